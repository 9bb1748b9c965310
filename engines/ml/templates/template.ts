// What a served template is: the published types of models, each with a body and a reply of its own.
import { z } from 'zod';
import { BackendUnavailableError } from '../../../src/core/errors.ts';
import { modelReferenceSchema } from '../../../src/onnx/model-card.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { MarketHistory } from '../market-history.ts';
import type { Latest } from '../prediction-stream.ts';
import type { RiskStates } from '../risk-states.ts';
import type { Asked, ServedModel } from '../serving/models.ts';
import { HARDWARE, type Hardware, type PredictReply } from '../serving/schemas.ts';
import type { Serving } from '../serving/serving.ts';
import type { RunControl } from '../serving/task.ts';

/** What templates work with of the engine around them. */
export interface TemplateParts {
  readonly serving: Serving;
  /** Returns the newest features of an instrument on the stream; undefined when none came. */
  readonly latest: (symbol: string) => Latest | undefined;
  readonly nowUs: () => number;
  /** Last returns of the instruments on the stream. */
  readonly history: MarketHistory;
  readonly riskStates: RiskStates;
  readonly datasets: DatasetStore;
  /** Returns the id of the model of a type that is deployed for a symbol and a horizon; null where there is none. */
  readonly deployed: (type: string, symbolTag: string, horizonTag: string) => Promise<string | null>;
}

/** What ran an answer. */
export interface Ran {
  readonly hardware_used: Hardware;
  readonly hardware_reason: string;
}

/** One request: what it asks to run on, and what answers it. */
export interface TemplateContext extends TemplateParts {
  /** `auto` on /predict, /predict/hybrid and /predict/batch. */
  readonly asked: Asked;
  readonly allowFallback: boolean;
  /** Returns how much is left of the time that the request has, whatever it runs. */
  readonly control: () => RunControl;
  readonly signal: AbortSignal;
  /** Returns the model of a reference, ready on the hardware that was asked for. Throws as `Serving.model` does. */
  readonly model: (reference: string) => Promise<ServedModel>;
  /**
   * Predicts rows with a model of a reference, on the hardware that was asked for. Throws as `Serving.predictOn` does, BackendUnavailableError for absent
   * hardware without `allow_fallback` among it.
   */
  readonly run: (reference: string, inputs: readonly (readonly number[])[]) => Promise<PredictReply>;
  /** Says that the CPU computes `what`. Throws BackendUnavailableError where other hardware was asked for and no fallback is allowed. */
  readonly onCpu: (what: string) => Ran;
}

/** A published type of models as the routes of predictions serve it. */
export interface ServedTemplate<Request extends TemplateRequest = TemplateRequest, Reply = unknown> {
  /** Values of `model_type`. */
  readonly modelTypes: readonly string[];
  /** With `...templateFields` and a literal `model_type`. */
  readonly request: z.ZodType<Request>;
  /** With a literal `model_type` and `...ranFields`, so that no other reply passes for it. */
  readonly reply: z.ZodType<Reply>;
  /** Returns the reply without `processing_time_ms`, which is added. */
  predict(body: Request, context: TemplateContext): Promise<Omit<Reply, 'processing_time_ms'>>;
}

/** What the body of every template may say. */
export const templateFields = {
  model_id: modelReferenceSchema
    .optional()
    .describe('<id>, or <id>@<version or alias>; default: by the rule of the template'),
  allow_fallback: z
    .boolean()
    .default(false)
    .describe(
      'true: the CPU runs it where the hardware is absent or fails, and hardware_used says so; false: 503',
    ),
  timeout_ms: z
    .int()
    .min(1)
    .max(600_000)
    .optional()
    .describe('milliseconds until the request is given up, at most DEFAULT_TIMEOUT, which is the default'),
};

/** What every body of a template has, whichever it is. */
export interface TemplateRequest {
  readonly model_type: string;
  readonly model_id?: string | undefined;
  readonly allow_fallback: boolean;
  readonly timeout_ms?: number | undefined;
}

/** What every reply of a template says. */
export const ranFields = {
  processing_time_ms: z.number(),
  hardware_used: z.enum(HARDWARE).describe('what ran it'),
  hardware_reason: z.string().describe('why it ran there'),
};

/** Returns `template` as lists of templates hold it. */
export function defineTemplate<Request extends TemplateRequest, Reply>(
  template: ServedTemplate<Request, Reply>,
): ServedTemplate {
  return template as unknown as ServedTemplate;
}

/** Returns what {@link TemplateContext.onCpu} does for a request. */
export function cpuOnly(asked: Asked, allowFallback: boolean): TemplateContext['onCpu'] {
  return (what) => {
    if (asked === 'auto' || asked === 'cpu')
      return { hardware_used: 'cpu', hardware_reason: `${what} runs on the CPU` };
    if (!allowFallback) {
      throw new BackendUnavailableError(
        `Expected ${asked}: ${what} runs on the CPU only; allow_fallback allows that`,
      );
    }
    return {
      hardware_used: 'cpu',
      hardware_reason: `${what} runs on the CPU only, which allow_fallback allows`,
    };
  };
}
