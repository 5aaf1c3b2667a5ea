/** What people and programs write for "nothing": pandas', R's, Excel's, SQL's and statisticians' habits. */
const MARKERS = new Set(['', 'na', 'n/a', '#n/a', '<na>', 'nan', 'null', 'nil', 'none', '-', '--', '?', '.'])

/** @param text  trimmed */
export const isMissing = (text: string): boolean => text.length <= 4 && MARKERS.has(text.toLowerCase())
