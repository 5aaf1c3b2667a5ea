import type { Tokenizer } from '../../tokenizers/index.ts'
import type { TextArchitecture } from '../../training/index.ts'
import { trainedHere } from '../card.ts'
import { canChat } from './chat.ts'
import { TEXT_FILES } from './config.ts'
import type { TextReport } from './report.ts'

/** README.md of a language model's folder. */
export function textCard(architecture: TextArchitecture, tokenizer: Tokenizer, report: TextReport): string {
  return [
    `# A language model${report.title === undefined ? '' : `: ${report.title.replaceAll(/\s+/g, ' ')}`}`,
    what(architecture, tokenizer),
    '## How good it is',
    quality(report),
    '## How to use it',
    use(canChat(tokenizer)),
    '## How it was trained',
    trainedHere(`A GPT (${shape(architecture)})`, report).join('\n'),
    '## Limits',
    '- It goes on with a text as its training text would; what it says need not be true.\n' +
      '- It has learnt from one dataset, and may repeat passages of it word for word.',
    '## Files',
    files(),
  ]
    .join('\n\n')
    .concat('\n')
}

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

function use(chat: boolean): string {
  return [
    'With Gradstr:',
    `\`\`\`sh\n${chat ? 'gradstr chat .' : 'gradstr predict . "Once upon"'}\n\`\`\``,
    'With `transformers` in Python, without a network:',
    `\`\`\`python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForCausalLM.from_pretrained(".")
tokens = tokenizer("Once upon", return_tensors="pt").input_ids
print(tokenizer.decode(model.generate(tokens, do_sample=True, max_new_tokens=100)[0]))
\`\`\``,
  ].join('\n\n')
}

const files = (): string =>
  [
    '- `config.json`: the architecture, as Hugging Face names it, and the hashes of the other files',
    `- \`${TEXT_FILES.weights}\`: the weights, under Hugging Face's names`,
    `- \`${TEXT_FILES.tokenizer}\`, \`${TEXT_FILES.tokenizerConfig}\`: text to tokens and back`,
    `- \`${TEXT_FILES.report}\`: all figures`,
  ].join('\n')
