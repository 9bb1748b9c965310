// The element types of ONNX tensors: the codes of the file format and the size of one element.

/** Code of each element type in an ONNX file (`TensorProto.DataType`). */
export const DATA_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

/** Name of an element type, as in `float32`. */
export type DataType = keyof typeof DATA_TYPES;

const names = new Map<number, DataType>(
  Object.entries(DATA_TYPES).map(([name, code]) => [code, name as DataType]),
);

const sizes: Partial<Record<DataType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
  bfloat16: 2,
};

/** Returns the name of an element type code, or null for codes that this project does not serve (complex, 4-bit, 8-bit floats). */
export function dataTypeName(code: number): DataType | null {
  return names.get(code) ?? null;
}

/** Returns the bytes of one element, or null for strings, which have no fixed size. */
export function elementBytes(type: DataType): number | null {
  return sizes[type] ?? null;
}
