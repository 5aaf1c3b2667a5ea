import type { LocalPlan, LocalResult } from '../../core/local/index.ts'
import type { TrainingSpec } from '../../core/training/index.ts'
import { bytesText, count, counted, duration, type Paint, percent, score } from '../format.ts'
import { type Point, sparkline } from './chart.ts'

/** What will be done, before it begins. */
export function planLines(plan: LocalPlan, out: string, paint: Paint): string[] {
  const { spec, prepared, parameters, frozen, steps, memory, microBatch } = plan
  const { optimizer } = spec
  const rows = prepared.rows - prepared.holdoutRows
  const what = prepared.kind === 'text' ? 'block' : 'row'
  const epochs = (steps * spec.batch) / rows
  return [
    ...(plan.resumed ? [paint('cyan', 'Goes on with what was begun before.')] : []),
    `${paint('bold', 'Learns from')}  ${dataText(plan)}`,
    `${paint('bold', 'Model')}        ${modelText(spec)}, ${count(parameters + frozen)} parameters, about ${bytesText(memory)} of memory`,
    ...adapterLines(plan, paint),
    ...augmentLines(plan, paint),
    ...(microBatch < spec.batch
      ? [`             ${counted(microBatch, what)} at a time, for memory’s sake`]
      : []),
    `${paint('bold', 'Training')}     ${counted(steps, 'step')} of ${counted(spec.batch, what)} (${epochs.toFixed(1)} passes), ${optimizer.name === 'adamw' ? 'AdamW' : 'SGD'}, learning rate ${optimizer.learningRate}`,
    `${paint('bold', 'Writes')}       ${out}`,
  ]
}

function adapterLines({ spec, parameters }: LocalPlan, paint: Paint): string[] {
  if (spec.task !== 'language' || !spec.adapter) return []
  const { rank, base } = spec.adapter
  return [
    `${paint('bold', 'Adapters')}     of rank ${rank}: ${count(parameters)} parameters are trained, the base stays as it is (kept in ${base})`,
  ]
}

function augmentLines({ spec: { augment } }: LocalPlan, paint: Paint): string[] {
  const ways = [
    ...(augment?.flip ? ['mirrored or not'] : []),
    ...(augment?.crop ? [`shifted by up to ${counted(augment.crop, 'pixel')}`] : []),
  ]
  return ways.length > 0 ? [`${paint('bold', 'Images')}       ${ways.join(', ')}, anew in each step`] : []
}

function dataText({ prepared }: LocalPlan): string {
  const learned = count(prepared.rows - prepared.holdoutRows)
  if (prepared.kind === 'text') {
    const { tokens, block, vocabulary } = prepared
    return `${count(tokens.training)} tokens (of ${count(vocabulary)} different ones) in ${learned} blocks of ${block}; ${count(tokens.holdout)} kept back for the test`
  }
  const answer = prepared.classes
    ? `one of ${prepared.classes.length} classes of "${prepared.target}"`
    : `the number "${prepared.target}"`
  return `${learned} rows to predict ${answer}; ${count(prepared.holdoutRows)} kept back for the test`
}

function modelText(spec: TrainingSpec): string {
  switch (spec.recipe) {
    case 'mlp':
      return `multi-layer perceptron ${[spec.model.inputs, ...spec.model.hidden, spec.model.outputs].join('–')}`
    case 'cnn':
      return `convolutional network, ${spec.model.channels.join(' and ')} channels`
    case 'resnet':
      return `residual network, ${spec.model.blocks.join(' and ')} blocks, ${spec.model.width} channels at first`
    default:
      return `${spec.recipe === 'gpt' ? 'GPT' : 'Llama'}, ${spec.model.layers} layers, width ${spec.model.width}, ${spec.model.context} tokens at once`
  }
}

export interface Curve {
  steps: number
  step: number
  training: readonly Point[]
  holdout: readonly Point[]
  stepsPerSecond: number
  secondsLeft: number
}

/** The live display: both curves and how far it is. */
export function curveLines(curve: Curve, width: number, paint: Paint): string[] {
  const { steps, step, training, holdout, stepsPerSecond, secondsLeft } = curve
  const line = (name: string, points: readonly Point[]) =>
    points.length === 0
      ? []
      : [
          `${name.padEnd(9)}${sparkline(points, steps, Math.max(10, width - 20))}  ${paint('bold', score(points.at(-1)?.y))}`,
        ]
  const speed = stepsPerSecond > 0 ? ` · ${stepsPerSecond.toFixed(stepsPerSecond < 10 ? 1 : 0)} steps/s` : ''
  const left = secondsLeft > 0 ? ` · ${duration(secondsLeft)} left` : ''
  return [
    ...line('loss', training),
    ...line('holdout', holdout),
    `step ${count(step)} of ${count(steps)} (${percent(step / steps, 0)})${speed}${left}`,
  ]
}

/** How good it became, and where it is. */
export function resultLines({ report, fitted }: LocalResult, out: string, paint: Paint): string[] {
  const after = `after ${counted(fitted.steps, 'step')} (${duration(fitted.seconds)} in this run)`
  return [`${paint('green', 'Done')} ${after}: ${qualityText(report)}.`, `The model is in ${out}.`]
}

function qualityText(report: LocalResult['report']): string {
  switch (report.task) {
    case 'classification':
      return `right for ${percent(report.metrics.accuracy)} of ${counted(report.holdout.rows, 'row')} kept back (always "${report.baseline.answer}": ${percent(report.baseline.accuracy)})`
    case 'regression':
      return `off by ${score(report.metrics.mae)} on average on ${counted(report.holdout.rows, 'row')} kept back (always the mean: ${score(report.baseline.mae)})`
    case 'language':
      return `loss ${score(report.metrics.loss)} on ${counted(report.holdout.tokens, 'token')} kept back (by frequencies alone: ${score(report.baseline.loss)})`
  }
}
