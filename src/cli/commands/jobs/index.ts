export { addDemo } from './demo.ts'
export { addProvide } from './provide.ts'
export { addTrain } from './train.ts'
