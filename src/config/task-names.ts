/** The tasks that data can be for: multiple-choice QA, temporal anomaly grounding, classification, reasoning. */
export const TASK_NAMES = ['qa', 'tag', 'cls', 'reasoning'] as const;
export type TaskName = (typeof TASK_NAMES)[number];
