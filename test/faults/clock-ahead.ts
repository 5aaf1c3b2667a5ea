/** Loaded into a process by `--import`: its clock is GRADSTR_TEST_AHEAD seconds ahead, as if it had slept as long. */
const ahead = Number(process.env.GRADSTR_TEST_AHEAD ?? 0) * 1000
const now = Date.now
Date.now = () => now() + ahead
