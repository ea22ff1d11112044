/** What a job tells while it works; the progress bar and a library's caller read the same. */
export type JobEvent =
  /** A new part of the job begins. */
  | { readonly kind: "phase"; readonly says: string }
  /** How far the current phase is, in its own units. */
  | {
      readonly kind: "progress";
      readonly done: number;
      readonly total: number;
      readonly says?: string;
    }
  /** Something a user should know: a choice made, a picture skipped, a damaged checkpoint. */
  | { readonly kind: "note"; readonly says: string };

/** How a caller follows and stops a job. */
export interface JobContext {
  readonly onEvent?: (event: JobEvent) => void;
  /** Stops cleanly at the next step boundary; what was written stays. */
  readonly signal?: AbortSignal;
}
