// Which operators a model from outside may use.

/** Operator sets that a served model may name: the ONNX standard and its classic machine-learning extension. */
export const SERVING_DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'ai.onnx.ml']);

/**
 * Operators that a served model may use. Left out on purpose: control flow (If, Loop, Scan: a model could run for
 * ever), operators that make big tensors out of small files (ConstantOfShape, Expand, Tile, Range, Pad, Resize), random
 * and text operators, and those that give no tensor (ZipMap: export classifiers without it).
 */
export const SERVING_OPERATORS: ReadonlySet<string> = new Set(
  `
    Abs Add And Cast Ceil Clip Cos Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual
    HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mul
    Neg Not Or PRelu Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum
    Tanh ThresholdedRelu Where Xor
    Gemm MatMul BatchNormalization Dropout GroupNormalization InstanceNormalization
    LayerNormalization LogSoftmax LpNormalization Softmax ArgMax ArgMin ReduceL1 ReduceL2
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
    Concat Constant Flatten Gather Reshape Shape Slice Split Squeeze Transpose Unsqueeze
    AveragePool Conv DequantizeLinear GlobalAveragePool GlobalMaxPool MaxPool GRU LSTM RNN
    LinearClassifier LinearRegressor Normalizer Scaler SVMClassifier SVMRegressor TreeEnsemble
    TreeEnsembleClassifier TreeEnsembleRegressor
  `
    .trim()
    .split(/\s+/),
);

/**
 * Operators that a text model may use beside {@link SERVING_OPERATORS}: what exporters write for masks, positions and quantised
 * weights. Some make big tensors out of small files, so that text models only ever run in child processes, whose memory is watched.
 */
export const TEXT_OPERATORS: ReadonlySet<string> = new Set([
  ...SERVING_OPERATORS,
  ...`
    ConstantOfShape CumSum DynamicQuantizeLinear Expand GatherElements GatherND
    MatMulInteger Mod QLinearMatMul QuantizeLinear Range ScatterND Tile Trilu
  `
    .trim()
    .split(/\s+/),
]);
