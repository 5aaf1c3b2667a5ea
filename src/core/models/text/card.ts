import type { Tokenizer } from '../../tokenizers/index.ts'
import { fitsOneFile, type TextArchitecture } from '../../training/index.ts'
import { trained } from '../card.ts'
import { FILES } from '../config.ts'
import { ADAPTER_FILES, ADAPTER_OWN, TEXT_FILES } from './config.ts'
import type { TextReport } from './report.ts'

/** What the card tells of. */
export interface Described {
  architecture: TextArchitecture
  tokenizer: Tokenizer
  chat: boolean
  report: TextReport | undefined
  /** Of an adapter: the folder of its base. */
  base: string | undefined
}

/** README.md of a language model's folder. */
export function textCard(model: Described): string {
  const { architecture, tokenizer, chat, report, base } = model
  const title = report?.title === undefined ? '' : `: ${report.title.replaceAll(/\s+/g, ' ')}`
  return [
    `# ${base === undefined ? 'A language model' : 'An adapter of a language model'}${title}`,
    what(architecture, tokenizer),
    ...(base === undefined ? [] : [needs(base)]),
    ...(report ? ['## How good it is', quality(report)] : []),
    '## How to use it',
    use(chat, base),
    ...(report ? ['## How it was trained', trained(kind(architecture), report)] : []),
    '## Limits',
    '- It goes on with a text as its training text would; what it says need not be true.\n' +
      '- It has learnt from one dataset, and may repeat passages of it word for word.',
    '## Files',
    files(model),
  ]
    .join('\n\n')
    .concat('\n')
}

const kind = (architecture: TextArchitecture): string => {
  const name = `a ${architecture.recipe === 'gpt' ? 'GPT' : 'Llama'} (${shape(architecture)})`
  const { adapter } = architecture
  return adapter ? `An adapter (LoRA) of rank ${adapter.rank} to ${name}` : name.replace('a', 'A')
}

/** An adapter alone is no model. */
const needs = (base: string): string =>
  `It is an adapter (LoRA): it needs its base model, which lies in \`${base}\`. \`gradstr merge . --out DIR\` makes one model of both.`

const shape = ({ model }: TextArchitecture): string =>
  `${model.layers} layers, width ${model.width}, ${model.heads} heads, ${model.context} tokens at once`

function what({ model }: TextArchitecture, tokenizer: Tokenizer): string {
  const units = tokenizer.kind === 'characters' ? 'characters' : 'pieces of words (byte-pair encoding)'
  return `It goes on with a text, token by token. It knows ${model.vocabulary.toLocaleString('en-US')} tokens, ${units}, and sees the last ${model.context} of them.`
}

function quality({ metrics, baseline, holdout }: TextReport): string {
  const figure = (n: number | null) => (n === null ? 'not a number' : n.toFixed(3))
  const better = metrics.loss !== null && baseline.loss !== null && metrics.loss < baseline.loss
  return [
    `On ${holdout.tokens.toLocaleString('en-US')} tokens of text it had never seen, its loss was **${figure(metrics.loss)}** nats a token: ` +
      `it was as unsure as among ${figure(metrics.perplexity)} equally likely tokens (perplexity).`,
    `For comparison: a guess that knows only how frequent each token is has ${figure(baseline.loss)}. ` +
      (better
        ? 'The model has learnt something.'
        : '**The model is not better than that: do not rely on it.** More text or more steps may help.'),
  ].join('\n\n')
}

function use(chat: boolean, base: string | undefined): string {
  const load =
    base === undefined
      ? 'model = AutoModelForCausalLM.from_pretrained(".")'
      : `model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(${JSON.stringify(base)}), ".")`
  return [
    'With Gradstr:',
    `\`\`\`sh\n${chat ? 'gradstr chat .' : 'gradstr predict . "Once upon"'}\n\`\`\``,
    `With \`transformers\`${base === undefined ? '' : ' and `peft`'} in Python, without a network:`,
    `\`\`\`python
${base === undefined ? '' : 'from peft import PeftModel\n'}from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
${load}
tokens = tokenizer("Once upon", return_tensors="pt").input_ids
print(tokenizer.decode(model.generate(tokens, do_sample=True, max_new_tokens=100)[0]))
\`\`\``,
  ].join('\n\n')
}

const files = ({ architecture, report, base }: Described): string =>
  [
    ...(base === undefined
      ? [
          '- `config.json`: the architecture, as Hugging Face names it, and the hashes of the other files',
          `- \`${TEXT_FILES.weights}\`: the weights, under Hugging Face's names`,
          ...(fitsOneFile(architecture)
            ? [
                `- \`${FILES.onnx}\`: for ONNX Runtime: \`tokens\` i32 [1, ${architecture.model.context}] to \`logits\` of each next token`,
              ]
            : []),
        ]
      : [
          `- \`${ADAPTER_FILES.config}\`, \`${ADAPTER_FILES.weights}\`: the adapter, as PEFT writes it`,
          `- \`${ADAPTER_OWN}\`: the hashes of these files and of the base's`,
        ]),
    `- \`${TEXT_FILES.tokenizer}\`, \`${TEXT_FILES.tokenizerConfig}\`: text to tokens and back`,
    ...(report ? [`- \`${TEXT_FILES.report}\`: all figures`] : []),
  ].join('\n')
