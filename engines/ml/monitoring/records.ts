// A monitor as it is stored beside its rows: what it remembers from window to window.
import type { LossBaseline, LossTally } from './losses.ts';
import type { AccuracyVerdict, Alarm, MonitorConfig, ReferenceInfo, Retraining } from './schemas.ts';

/** One alarm that was raised. */
export interface RaisedAlarm {
  readonly reason: Alarm;
  readonly ts_us: number;
  readonly text: string;
}

/** What a monitor remembers of the version that it watches. */
export interface VersionState {
  readonly version: string;
  /** Losses since the last verdict. */
  readonly losses: LossTally;
  /** Losses of the first outcomes, where nothing else says how good the version was. */
  readonly firstLosses: LossBaseline | null;
  /** Of the first window. */
  readonly latencyMs: number | null;
  /** Losses that the detectors have seen, and their states. */
  readonly seen: number;
  readonly detectors: Readonly<Record<string, unknown>>;
  /** Detectors that found losses to have risen, since the last verdict. */
  readonly found: readonly string[];
  /** The newest verdict on its losses. */
  readonly accuracy: AccuracyVerdict | null;
}

/** What a monitor remembers. */
export interface MonitorState {
  readonly watched: VersionState | null;
  /** Newest first. */
  readonly alarms: readonly RaisedAlarm[];
  /** Outcomes that were matched. */
  readonly matched: number;
  /** Rows that other versions answered. */
  readonly otherVersions: number;
  readonly clock: { readonly jumps: number; readonly last_us: number | null };
}

/** Alarms that are remembered. */
export const KEPT_ALARMS = 20;

export const NEW_STATE: MonitorState = {
  watched: null,
  alarms: [],
  matched: 0,
  otherVersions: 0,
  clock: { jumps: 0, last_us: null },
};

/** A monitor as it is stored. */
export interface StoredMonitor {
  readonly model_id: string;
  readonly config: MonitorConfig;
  readonly state: MonitorState;
  readonly created_us: number;
  readonly updated_us: number;
}

/** What the rows of a version are compared with. */
export interface Reference {
  readonly info: ReferenceInfo;
  /** JSON of sketches; null where there are no such rows. */
  readonly inputs: unknown;
  readonly outputs: unknown;
  /** Losses on the test rows. */
  readonly losses: LossBaseline | null;
}

/** Which bar of the stream tells whether a direction came true. */
export interface Matures {
  readonly symbol: string;
  /** Time of that bar. */
  readonly due_us: number;
  /** Close that it is compared with. */
  readonly close: number;
}

/** Rows of a request that wait for their outcome. */
export interface WaitingAnswers {
  readonly prediction_id: string;
  readonly key: string | null;
  readonly version: string;
  readonly ts_us: number;
  /** Decision of each row; null for one whose outcome came. */
  readonly answers: readonly (number | null)[];
  /** Null where somebody else has to tell. */
  readonly matures: Matures | null;
}

/** A retraining as it is stored. */
export type StoredRetraining = Omit<Retraining, keyof RetrainingReport> & {
  readonly model_id: string;
  readonly report: RetrainingReport;
};

/** What came of a retraining. */
export type RetrainingReport = Pick<
  Retraining,
  'new_version' | 'deployed' | 'experiment_id' | 'comparison' | 'error'
>;
