"""Stand-in for MicroK8s' apiserver-proxy: a worker's own port 16443, led to the control plane."""

import asyncio

from . import paths

ENDPOINTS = paths.ARGS / "traefik" / "provider.yaml"


def write_endpoint(address):
    paths.write(ENDPOINTS, f"""tcp:
  services:
    kube-apiserver:
      loadBalancer:
        servers:
        - address: {address}
""")


def endpoint():
    for line in ENDPOINTS.read_text().splitlines():
        if "address:" in line:
            host, port = line.split("address:")[1].strip().rsplit(":", 1)
            return host, int(port)
    raise ValueError(f"{ENDPOINTS}: names no API server")


async def copy(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def connect(reader, writer):
    try:
        far_reader, far_writer = await asyncio.open_connection(*endpoint())
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


async def listen():
    server = await asyncio.start_server(connect, "127.0.0.1", paths.API_PORT)
    async with server:
        await server.serve_forever()


def serve():
    asyncio.run(listen())
    return 0
