-- Writes what the template styles as calls of its functions; pandoc writes the rest.

local BOXES = {
  "header", "summary", "facts", "know", "stamp", "leads", "source", "answers", "answer", "answer-title",
  "request", "headers", "status", "run", "proof", "output", "output-title", "file", "label", "question", "ask",
  "say", "deeper", "listen", "redflag", "dated", "quiz", "why", "right", "asked", "fold-title", "part",
  "question-links", "know-title", "footer-title", "lead", "index", "row-summary", "requires", "card-figures",
  "measured", "steps", "reasons", "path-facts", "sheet-ask",
  "sheet-listen",
}
local WORDS = {
  "number", "minutes", "method", "code", "seniority", "reason", "passed", "must-mark", "planned-mark", "level",
}

local function set(list)
  local found = {}
  for _, name in ipairs(list) do found[name] = true end
  return found
end

local boxes, words = set(BOXES), set(WORDS)

local function text(value)
  return '"' .. value:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("\n", "\\n"):gsub("\t", "  ") .. '"'
end

local function first(classes, known)
  for _, class in ipairs(classes) do
    if known[class] then return class end
  end
end

local function anchor(id)
  return "#anchor(" .. text(id) .. ")"
end

-- Pandoc takes "data-" off some names and leaves it on others.
local function about(element, name)
  return element.attributes[name] or element.attributes["data-" .. name]
end

local function typst(code) return pandoc.RawBlock("typst", code) end

local function inline(code) return pandoc.RawInline("typst", code) end

function CodeBlock(block)
  local options = ""
  if block.classes[1] then options = options .. ", lang: " .. text(block.classes[1]) end
  local title, start = about(block, "title"), about(block, "start")
  if title then options = options .. ", title: " .. text(title) end
  if start then options = options .. ", start: " .. start end
  return typst("#listing(" .. text(block.text) .. options .. ")")
end

function Code(code)
  return inline("#inline-code(" .. text(code.text) .. ")")
end

function Div(div)
  local class = first(div.classes, boxes)
  local content = div.content
  if div.identifier ~= "" then content:insert(1, typst(anchor(div.identifier))) end
  if class then
    content:insert(1, typst("#box-" .. class .. "["))
    content:insert(typst("]"))
  end
  return content
end

function Span(span)
  local class = first(span.classes, words)
  local content = span.content
  if span.identifier ~= "" then content:insert(1, inline(anchor(span.identifier))) end
  if class then
    content:insert(1, inline("#word-" .. class .. "["))
    content:insert(inline("]"))
  end
  return content
end

function Link(link)
  local content = link.content
  local id = link.target:match("^#(.*)$")
  if id then
    content:insert(1, inline("#reference(" .. text(id) .. ")["))
    content:insert(inline("]"))
    return content
  end
end

function Header(header)
  local content = header.content
  local kind, number, level = about(header, "kind"), about(header, "number"), about(header, "level")
  local call = "#section(" .. text(header.identifier) .. ", " .. header.level .. ")["
  if kind then
    call = "#chapter(" .. text(header.identifier) .. ", kind: " .. text(kind)
    if number then call = call .. ", number: " .. number end
    if level then call = call .. ", of: " .. text(level) end
    call = call .. ")["
  end
  content:insert(1, inline(call))
  content:insert(inline("]"))
  return pandoc.Plain(content)
end

local function drawing(image)
  return typst("#drawing(" .. text(image.src) .. ", " .. text(about(image, "words") or "") .. ")")
end

function Figure(figure)
  local found
  figure:walk({ Image = function(image) found = image end })
  local id = figure.identifier ~= "" and typst(anchor(figure.identifier)) or nil
  return { id or typst(""), drawing(found) }
end
