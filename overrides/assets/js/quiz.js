// Tells at once whether a chosen answer is right; without this the fold below the options does.

/** Return the sentence for a choice: null when nothing is chosen yet. */
export function verdict(right) {
  if (right === null) return "Choose an answer first.";
  return right ? "Right." : "Not this one. Try again, or show the answer.";
}

function judge(quiz, feedback) {
  for (const option of quiz.querySelectorAll(".km-option")) {
    delete option.dataset.state;
    option.querySelector(".km-verdict")?.remove();
  }
  const chosen = quiz.querySelector(".km-option:has(:checked)");
  const right = chosen ? "correct" in chosen.dataset : null;
  feedback.textContent = verdict(right);
  if (!chosen) return;
  chosen.dataset.state = right ? "right" : "wrong";
  const mark = document.createElement("span");
  mark.className = "km-verdict";
  mark.textContent = right ? "✓ Right" : "✗ Not this";
  mark.ariaHidden = "true"; // the live region says it
  chosen.append(mark);
  if (right) quiz.querySelector(".km-why").open = true;
}

function mountOne(quiz) {
  if ("mounted" in quiz.dataset) return;
  quiz.dataset.mounted = "";
  const bar = document.createElement("div");
  bar.className = "km-quiz-bar";
  const check = document.createElement("button");
  check.type = "button";
  check.className = "km-button";
  check.textContent = "Check";
  const feedback = document.createElement("p");
  feedback.className = "km-feedback";
  feedback.role = "status";
  bar.append(check, feedback);
  const options = quiz.querySelector(".km-options");
  options.after(bar);
  check.addEventListener("click", () => judge(quiz, feedback));
  // Arrow keys choose while they move, so only a pointer or Enter asks for the verdict.
  options.addEventListener("click", (event) => {
    if (event.target.matches("input") && event.pointerType) judge(quiz, feedback);
  });
  options.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) judge(quiz, feedback);
  });
}

export function mount(root) {
  root.querySelectorAll(".km-quiz").forEach(mountOne);
}
