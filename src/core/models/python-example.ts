import type { ModelConfig, ModelInput } from './config.ts'

/** A Python program that asks model.onnx about one row. */
export function pythonExample(config: ModelConfig): string {
  const rows = config.inputs.map(input => `    ${text(input.name)}: ${value(input)},\n`).join('')
  return [
    'import numpy as np\n',
    'import onnxruntime\n',
    config.inputs[0]?.kind === 'image' ? 'from PIL import Image\n\n' : '\n',
    'model = onnxruntime.InferenceSession("model.onnx")\n',
    `${config.task === 'classification' ? 'label, probabilities' : 'label,'} = model.run(None, {\n${rows}})\n`,
    config.task === 'classification' ? 'print(label[0], probabilities[0])\n' : 'print(label[0])\n',
  ].join('')
}

function value(input: ModelInput): string {
  switch (input.kind) {
    case 'image':
      return `np.asarray(Image.open("picture.png").convert("${input.channels === 1 ? 'L' : 'RGB'}").resize((${input.width}, ${input.height})), np.uint8)[None]`
    case 'text':
      return `np.array([[${text(input.values[0] ?? '')}]], dtype=object)`
    default:
      return `np.array([[${input.example}]], np.${input.type})`
  }
}

/** JSON's texts are Python's too, but for the escapes of characters beyond the first 65,536, which JSON leaves as they are. */
const text = (value: string): string => JSON.stringify(value)
