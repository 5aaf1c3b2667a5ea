import type { DType } from './value.ts'

/** ONNX's numbers for element types (TensorProto.DataType). */
export const ELEMENT: Record<DType, number> = {
  f32: 1,
  u8: 2,
  i8: 3,
  i32: 6,
  i64: 7,
  string: 8,
  bool: 9,
  f16: 10,
  f64: 11,
}
