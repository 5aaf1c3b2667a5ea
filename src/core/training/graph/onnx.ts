import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { ELEMENT } from './element.ts'
import {
  type Attribute,
  type Attributes,
  type Constant,
  Graph,
  liveNodes,
  type Node,
  needs,
} from './graph.ts'
import { count, type DType, type Value } from './value.ts'

// The ONNX file format (onnx.proto, IR version 10): only the fields we write, by their numbers.
const IR_VERSION = 10
const OPSETS = { '': 21, 'com.microsoft': 1, 'ai.onnx.ml': 5 }

const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 }

/** The bytes of a `.onnx` file. @param metadata  shown by Netron; readable from a session */
export function encodeModel(graph: Graph, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const w = new BinaryWriter()
  w.tag(1, WireType.Varint).int64(IR_VERSION)
  text(w, 2, 'gradstr')
  message(w, 7, () => writeGraph(w, graph, 'model'))
  for (const [domain, version] of Object.entries(OPSETS))
    message(w, 8, () => {
      text(w, 1, domain)
      w.tag(2, WireType.Varint).int64(version)
    })
  for (const [key, value] of Object.entries(metadata))
    message(w, 14, () => {
      text(w, 1, key)
      text(w, 2, value)
    })
  return w.finish()
}

function writeGraph(w: BinaryWriter, graph: Graph, name: string): void {
  const nodes = liveNodes(graph)
  const used = new Set([...nodes.flatMap(needs), ...graph.outputs])
  for (const node of nodes) message(w, 1, () => writeNode(w, node))
  text(w, 2, name)
  for (const [value, constant] of graph.constants)
    if (used.has(value)) message(w, 5, () => writeTensor(w, value.name, constant))
  for (const input of graph.inputs) message(w, 11, () => writeValueInfo(w, input))
  for (const output of graph.outputs) message(w, 12, () => writeValueInfo(w, output))
}

function writeNode(w: BinaryWriter, node: Node): void {
  for (const input of node.inputs) text(w, 1, input.name)
  for (const output of node.outputs) text(w, 2, output.name)
  text(w, 3, node.outputs[0]?.name ?? '')
  text(w, 4, node.type)
  writeAttributes(w, node.attributes)
  if (node.domain !== '') text(w, 7, node.domain)
}

function writeAttributes(w: BinaryWriter, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes))
    message(w, 5, () => {
      text(w, 1, name)
      const type = writeAttribute(w, value)
      w.tag(20, WireType.Varint).int32(type)
    })
}

/** Writes the value and returns the attribute's type. */
function writeAttribute(w: BinaryWriter, value: Attribute): number {
  if (typeof value === 'number') {
    w.tag(3, WireType.Varint).int64(value)
    return ATTRIBUTE.int
  }
  if (typeof value === 'string') {
    text(w, 4, value)
    return ATTRIBUTE.string
  }
  if (value instanceof Graph) {
    message(w, 6, () => writeGraph(w, value, 'body'))
    return ATTRIBUTE.graph
  }
  if (Array.isArray(value)) return writeList(w, value)
  if ('float' in value) {
    w.tag(2, WireType.Bit32).float(value.float)
    return ATTRIBUTE.float
  }
  message(w, 5, () => writeTensor(w, '', value))
  return ATTRIBUTE.tensor
}

function writeList(w: BinaryWriter, values: (number | string | { float: number })[]): number {
  for (const value of values)
    if (typeof value === 'number') w.tag(8, WireType.Varint).int64(value)
    else if (typeof value === 'string') text(w, 9, value)
    else w.tag(7, WireType.Bit32).float(value.float)
  const [first] = values
  if (typeof first === 'string') return ATTRIBUTE.strings
  return typeof first === 'object' ? ATTRIBUTE.floats : ATTRIBUTE.ints
}

function writeTensor(w: BinaryWriter, name: string, { dtype, shape, data }: Constant): void {
  for (const d of shape) w.tag(1, WireType.Varint).int64(d)
  w.tag(2, WireType.Varint).int32(ELEMENT[dtype])
  if (dtype === 'string') for (let i = 0; i < count(shape); i++) text(w, 6, String(data[i]))
  if (name !== '') text(w, 8, name)
  if (dtype !== 'string') w.tag(9, WireType.LengthDelimited).bytes(rawBytes(dtype, data))
}

const RAW: Record<Exclude<DType, 'string'>, (data: Iterable<unknown>) => ArrayBufferView> = {
  f32: data => Float32Array.from(data, Number),
  f64: data => Float64Array.from(data, Number),
  // Raw bits, as in safetensors.
  f16: data => Uint16Array.from(data, Number),
  i8: data => Int8Array.from(data, Number),
  u8: data => Uint8Array.from(data, Number),
  bool: data => Uint8Array.from(data, Number),
  i32: data => Int32Array.from(data, Number),
  i64: data => BigInt64Array.from(data, number => BigInt(Number(number))),
}

function rawBytes(dtype: Exclude<DType, 'string'>, data: Constant['data']): Uint8Array {
  const { buffer, byteOffset, byteLength } = RAW[dtype](data)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function writeValueInfo(w: BinaryWriter, value: Value): void {
  text(w, 1, value.name)
  message(w, 2, () =>
    message(w, 1, () => {
      w.tag(1, WireType.Varint).int32(ELEMENT[value.dtype])
      message(w, 2, () => {
        for (const d of value.shape)
          message(w, 1, () => {
            if (typeof d === 'number') w.tag(1, WireType.Varint).int64(d)
            else text(w, 2, d)
          })
      })
    }),
  )
}

function text(w: BinaryWriter, field: number, value: string): void {
  w.tag(field, WireType.LengthDelimited).string(value)
}

function message(w: BinaryWriter, field: number, write: () => void): void {
  w.tag(field, WireType.LengthDelimited).fork()
  write()
  w.join()
}
