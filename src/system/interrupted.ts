/** Thrown into a long job that is asked to stop. */
export class Interrupted extends Error {}
