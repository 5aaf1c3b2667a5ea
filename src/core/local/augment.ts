import { UserError } from '../../shared/errors.ts'
import type { Augment, TrainingSpec } from '../training/index.ts'

/**
 * A spec whose pictures are augmented as was asked.
 * @throws UserError `local/augment` where the model does not know pictures, or a crop would leave nothing of them
 */
export function augmentedSpec(spec: TrainingSpec, augment: Augment): TrainingSpec {
  if (spec.recipe !== 'cnn' && spec.recipe !== 'resnet')
    throw new UserError('local/augment', {
      message: `A "${spec.recipe}" knows nothing of pictures: there is nothing to mirror or to shift.`,
      fix: 'Leave --flip and --crop out, or, if the dataset is of images, choose --model cnn or resnet.',
    })
  const [, height, width] = spec.model.image
  const most = Math.min(height, width) - 1
  if ((augment.crop ?? 0) > most)
    throw new UserError('local/augment', {
      message: `Of pictures of ${width} × ${height} pixels, a shift by ${augment.crop} leaves nothing.`,
      fix: `Choose a --crop of at most ${most}; an eighth of the side is usual.`,
    })
  return { ...spec, augment }
}
