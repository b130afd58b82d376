/** Added to the scores of keys that a query must not see, and of tokens that must not be drawn; finite, so that no row becomes NaN. */
export const MASKED = -1e30;
