using System.CommandLine;
using System.Net.Sockets;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// <c>tsh relay</c>: the far end of <c>--server ssh://…</c>. It connects its standard streams to the daemon's socket, and does not
/// interpret what passes. The end of its input ends the request, not the reply: it continues until the daemon has answered, or until nobody
/// is left to read the answer.
/// </summary>
internal sealed class RelayCommand() : CliCommand(
    "relay",
    "Joins standard input and output to the daemon of this host; ssh runs it for --server ssh://…",
    "ssh auth1 tsh relay",
    "command=\"tsh relay\",restrict ssh-ed25519 AAAA… alice    # in authorized_keys: this key speaks to the daemon, and does nothing else")
{
    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        // Not the daemon of an earlier login from here: a relay serves the daemon of its own host.
        var servers = ServerOption.Named(parsed) ?? ServerOption.OfThisHost();
        if (servers.All is not [ServerAddress.Unix here])
            throw new FailureException(
                $"a relay leads to one socket of its own host, not to {servers}", "name one with --server unix:PATH");
        using var socket = await UnixTransport.Connect(here, ServerOption.IsTrusted, cancellation);
        await using var daemon = new NetworkStream(socket);
        HangUpWithReader(socket);
        var asked = Ask(socket, daemon, cancellation);
        await using var output = Console.OpenStandardOutput();
        var isAnswered = false;
        try
        {
            var buffer = new byte[16 * 1024];
            while (await daemon.ReadAsync(buffer, cancellation) is var length and > 0)
            {
                isAnswered = true;
                await output.WriteAsync(buffer.AsMemory(0, length), cancellation);
            }
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            // Either end is gone, so there is nothing left to do.
        }
        if (asked.IsFaulted)
            await asked;
        // Otherwise the far end could not distinguish this from an account without a relay.
        return isAnswered ? ExitCode.Done : throw new UnreachableException(UnreachableException.BrokenOff);
    }

    private static async Task Ask(Socket socket, NetworkStream daemon, CancellationToken cancellation)
    {
        await using var input = Console.OpenStandardInput();
        try
        {
            await input.CopyToAsync(daemon, cancellation);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception gone) when (gone is IOException or SocketException or ObjectDisposedException)
        {
        }
    }

    // A relay that only waits would keep its place at the daemon long after ssh is gone.
    private static void HangUpWithReader(Socket socket) => new Thread(() =>
    {
        StandardStream.AwaitReaderGone();
        socket.Dispose();
    })
    { IsBackground = true }.Start();
}
