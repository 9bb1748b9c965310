// Fits one network: standardise, train in a child process, write the served graph from the same network.
import { add, crossEntropy, div, huber, mul, squaredError, sub } from '../../onnx/autodiff/ops.ts';
import { FREE, Tape, type Tensor } from '../../onnx/autodiff/tape.ts';
import type { ModelSpec } from '../../onnx/graph.ts';
import { createJob, type Rows } from '../../onnx/training/job.ts';
import { type Builder, type NetworkPlan, servingBuilder } from '../../onnx/training/network.ts';
import type { Training } from '../../onnx/training/step.ts';
import type { FitControl, FitProgress, Fitted, Task, TrainingData } from '../family.ts';
import { type LossOptions, optimiserOf, runOptionsOf, type TrainingOptions } from './options.ts';
import { runJob } from './run-job.ts';
import { balancedWeights, type Scaling, scalingOf, standardise } from './standardise.ts';

/** A network: standardised inputs [rows, columns] to [rows, width]. The rows are free in a served graph. */
export type Network = (builder: Builder, inputs: Tensor, width: number) => Tensor;

/** What is to be fitted. */
export interface FitRequest {
  readonly family: string;
  readonly task: Task;
  readonly data: TrainingData;
  readonly network: Network;
  readonly options: TrainingOptions & Partial<LossOptions>;
  /** Columns that share mean and deviation repeat after so many; all columns have their own when absent. */
  readonly features?: number;
}

/** How targets are seen while training, and outputs when served. */
interface Head {
  readonly width: number;
  readonly targetWidth: number;
  targets(data: TrainingData, inputs: Float32Array): Float32Array;
  loss(prediction: Tensor, inputs: Tensor, targets: Tensor | undefined, weights: Tensor): Tensor;
  serve(prediction: Tensor): Tensor;
}

const scalars = (tape: Tape, values: Float32Array) => tape.constant([values.length], values);

function regressionHead(data: TrainingData, options: Partial<LossOptions>): Head {
  const scaling = scalingOf(data.targets!, 1, data.weights);
  const { loss = 'squared', huber_delta = 1 } = options;
  return {
    width: 1,
    targetWidth: 1,
    targets: ({ targets }) => standardise(targets!, scaling),
    loss: (p, _, t, w) => (loss === 'huber' ? huber(p, t!, w, huber_delta) : squaredError(p, t!, w)),
    serve: (p) => unscale(p, scaling),
  };
}

function classHead(classes: number): Head {
  return {
    width: classes,
    targetWidth: 1,
    targets: ({ targets }) => targets!,
    loss: (p, _, t, w) => crossEntropy(p, t!, w),
    serve: (p) => p.tape.emit('Softmax', [p], p.shape, { axis: { int: -1 } }),
  };
}

/** The inputs are the targets: no second copy of them is kept. */
function reconstructionHead(columns: number, scaling: Scaling): Head {
  return {
    width: columns,
    targetWidth: 0,
    targets: () => new Float32Array(),
    loss: (p, inputs, _, w) => squaredError(p, inputs, w),
    serve: (p) => unscale(p, scaling),
  };
}

/** Returns what is standardised in the units of its data again. */
export function unscale(x: Tensor, { mean, scale }: Scaling): Tensor {
  return add(mul(x, scalars(x.tape, scale)), scalars(x.tape, mean));
}

/** Fits a network on data that was checked; see `Family.fit` for what it throws. */
export async function fitNetwork(request: FitRequest, control: FitControl): Promise<Fitted> {
  const { task, data, network, options } = request;
  const scaling = scalingOf(data.inputs, data.columns, data.weights, request.features);
  const head =
    task === 'regression'
      ? regressionHead(data, options)
      : task === 'classification'
        ? classHead(data.classes!)
        : reconstructionHead(data.columns, scaling);
  const rowsOf = (part: TrainingData, weights: Float32Array | undefined): Rows => {
    const inputs = standardise(part.inputs, scaling);
    return {
      rows: part.rows,
      inputs,
      ...(head.targetWidth > 0 ? { targets: head.targets(part, inputs) } : {}),
      weights,
    };
  };
  const balanced = task === 'classification' && options.class_weights === 'balanced';
  const fitted = await runTraining(
    {
      options,
      columns: data.columns,
      targetWidth: head.targetWidth,
      objective: (builder, { inputs, targets, weights }) => ({
        loss: head.loss(network(builder, inputs, head.width), inputs, targets, weights),
      }),
      data: rowsOf(data, balanced ? balancedWeights(data) : data.weights),
      validation: data.validation && rowsOf(data.validation, data.validation.weights),
    },
    control,
  );
  const serve = (builder: Builder, inputs: Tensor) => {
    const { tape } = builder;
    const centred = sub(inputs, scalars(tape, scaling.mean));
    return head.serve(network(builder, div(centred, scalars(tape, scaling.scale)), head.width));
  };
  const { plan, parameters, ...rest } = fitted;
  const metadata = { family: request.family, task };
  return {
    ...rest,
    model: serveNetwork(plan, parameters, { columns: data.columns, width: head.width, metadata }, serve),
  };
}

/** A training without what is served. */
export interface TrainingRequest {
  readonly options: TrainingOptions;
  readonly columns: number;
  readonly targetWidth: number;
  readonly objective: Training['objective'];
  readonly data: Rows;
  readonly validation?: Rows | undefined;
}

/** What training a network gives beside the served graph. */
export interface TrainedNetwork {
  readonly plan: NetworkPlan;
  readonly parameters: Float32Array;
  readonly history: readonly FitProgress[];
  readonly facts: Fitted['facts'];
}

/** Trains in a process of its own, and tells of it as families do: steps are epochs. */
export async function runTraining(request: TrainingRequest, control: FitControl): Promise<TrainedNetwork> {
  const { options, data, validation } = request;
  const training: Training = {
    objective: request.objective,
    batch: Math.min(options.batch_size, data.rows),
    columns: request.columns,
    targetWidth: request.targetWidth,
    optimiser: optimiserOf(options),
    clipNorm: options.clip_norm,
  };
  const { job, plan } = createJob(training, data, {
    ...runOptionsOf(options, control.seed),
    ...(control.hardware && { provider: control.hardware }),
    validation,
  });
  const { epochs } = job;
  const result = await runJob(
    job,
    // ONNX Runtime cuts products among its threads, and some cuts add in another order.
    options.parallel ? control.threads : 1,
    control,
  );
  const history = result.history.map(({ epoch, ...losses }) => ({
    fraction: epoch / epochs,
    step: epoch,
    ...losses,
  }));
  const { steps, epoch, stoppedEarly, parameters } = result;
  const facts = {
    parameters: plan.size,
    steps,
    best_epoch: epoch,
    stopped_early: stoppedEarly,
    hardware: job.provider ?? 'cpu',
  };
  return { plan, parameters, history: history as readonly FitProgress[], facts };
}

/** Returns the served graph of a network whose parameters are `values`. */
export function serveNetwork(
  plan: NetworkPlan,
  values: Float32Array,
  about: {
    readonly columns: number;
    readonly width: number;
    readonly metadata: Readonly<Record<string, string>>;
  },
  network: (builder: Builder, inputs: Tensor) => Tensor,
): ModelSpec {
  const tape = new Tape({ serving: true });
  const inputs = tape.input('input', [FREE, about.columns]);
  const result = network(servingBuilder(plan, tape, values), inputs);
  tape.nodes.push({ op: 'Identity', inputs: [result.name], outputs: ['output'] });
  const output = tape.input('output', [FREE, about.width]);
  return {
    graph: tape.graph(about.metadata.family ?? 'network', [inputs], [output]),
    metadata: about.metadata,
  };
}
