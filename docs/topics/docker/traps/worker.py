import asyncio


async def main() -> None:
    while True:
        print("job done")
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main())
