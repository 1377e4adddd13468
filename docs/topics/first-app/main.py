from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def read_root() -> dict[str, str]:
    return {"message": "Hello"}


# --8<-- [start:square]
@app.get("/squares/{number}")
def read_square(number: int) -> dict[str, int]:
    return {"number": number, "square": number * number}
    # --8<-- [end:square]
