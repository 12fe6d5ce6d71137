"""Stand-in for MicroK8s' apiserver-proxy: a worker's own port 16443, led to the control plane."""

import asyncio

from . import api, paths

ENDPOINTS = paths.ARGS / "traefik" / "provider.yaml"
CONNECT_SECONDS = 3
REFRESH_SECONDS = 30


def write_endpoints(addresses):
    lines = "".join(f"        - address: {address}\n" for address in addresses)
    paths.write(ENDPOINTS, f"""tcp:
  services:
    kube-apiserver:
      loadBalancer:
        servers:
{lines}""")


def endpoints():
    found = []
    for line in ENDPOINTS.read_text().splitlines():
        if "address:" in line:
            host, port = line.split("address:")[1].strip().rsplit(":", 1)
            found.append((host, int(port)))
    return found


def refresh():
    """Writes down which API servers there are by their own word."""
    try:
        told = api.get("/api/v1/namespaces/default/endpoints/kubernetes", "kubelet") or {}
    except api.Unreachable:
        return
    found = [f"{one['ip']}:{paths.API_PORT}"
             for subset in told.get("subsets", []) for one in subset.get("addresses", [])]
    if found:
        write_endpoints(found)


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
    for host, port in endpoints():
        try:
            far_reader, far_writer = await asyncio.wait_for(
                asyncio.open_connection(host, port), CONNECT_SECONDS)
        except (OSError, asyncio.TimeoutError):
            continue
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        return
    writer.close()


async def keep_fresh():
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        await asyncio.to_thread(refresh)


async def listen():
    server = await asyncio.start_server(connect, "127.0.0.1", paths.API_PORT)
    async with server:
        await asyncio.gather(server.serve_forever(), keep_fresh())


def serve():
    asyncio.run(listen())
    return 0
