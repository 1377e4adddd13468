BOOKS = {1: "Emma", 2: "Beowulf"}
LOANS: dict[int, str] = {}
