// How long it still takes and how many are before, in words; waiting.py says the same.

const STEP = 5; // seconds are told in steps: a guess is no countdown

export function placeInLine(place, words) {
  if (!place) return "";
  if (place === 1) return words.next;
  const language = document.documentElement.lang || "en";
  const form = new Intl.PluralRules(language, { type: "ordinal" }).select(place);
  return (words[`place_${form}`] || words.place_other).replace("{place}", place);
}

// `passed`: the seconds since the server said so.
export function timeLeft(job, words, passed = 0) {
  let [low, high] = [job.eta_low, job.eta_high];
  if (low == null || high == null) {
    if (job.eta_seconds == null) {
      if (job.eta_learning) return words.learning;
      // Longer than nearly all before it; a further attempt is compared with none.
      return job.status === "running" && job.attempt === 1 ? words.longer : "";
    }
    low = high = job.eta_seconds;
  }
  [low, high] = [low - passed, high - passed];
  if (high <= 0) return words.soon;
  const [unit, size, step] = high <= 90 ? ["seconds", 1, STEP] : high <= 5400 ? ["minutes", 60, 1] : ["hours", 3600, 1];
  low = Math.round(low / size / step) * step;
  high = Math.ceil(high / size / step) * step;
  const form = low <= 0 ? `${unit}_most` : low === high ? `${unit}_one` : unit;
  return words[form].replace("{low}", low).replace("{high}", high);
}
