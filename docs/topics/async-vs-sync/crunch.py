# --8<-- [start:file]
def primes_below(limit: int) -> int:
    found = 0
    for number in range(2, limit):
        if all(number % divisor for divisor in range(2, int(number**0.5) + 1)):
            found += 1
    return found
    # --8<-- [end:file]
