import asyncio
import signal


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    while not stop.is_set():
        print("job done")
        await asyncio.sleep(0.05)
    print("stopped between two jobs")


if __name__ == "__main__":
    asyncio.run(main())
