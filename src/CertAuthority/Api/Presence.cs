using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using CertAuthority.Linux;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace CertAuthority.Api;

/// <summary>
/// Tells a peer that has finished sending from one that is gone. The HTTP server treats the end of its input as both, and aborts the call
/// in progress; so <c>printf … | nc -N</c> and <c>printf … | ssh HOST RELAY</c> would get no reply.
/// </summary>
internal sealed class Presence : IDisposable
{
    // How late a lost peer is noticed, compared with the end of its input; this applies only to a call in progress.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    private readonly Socket socket;
    private readonly CancellationTokenSource gone = new();
    private readonly CancellationTokenRegistration endOfInput;
    private readonly CancellationTokenSource over = new();

    private Presence(Socket socket, ConnectionContext connection)
    {
        this.socket = socket;
        endOfInput = connection.ConnectionClosed.UnsafeRegister(state => _ = ((Presence)state!).Watch(), this);
        connection.ConnectionClosed = gone.Token;
        connection.Transport = new WholeInput(connection.Transport);
    }

    /// <summary>Lets the calls of a connection continue while the peer can still read their answers.</summary>
    public static Presence Watch(ConnectionContext connection) =>
        new(connection.Features.Get<IConnectionSocketFeature>()!.Socket, connection);

    public void Dispose()
    {
        endOfInput.Dispose();
        over.Cancel();
    }

    private async Task Watch()
    {
        while (!Acceptor.IsGone(socket))
        {
            await Task.Delay(LookEvery, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (over.IsCancellationRequested)
                return;
        }
        await gone.CancelAsync();
    }

    /// <summary>
    /// The peer's input. It reports its end only after the server has examined every byte: otherwise the server would mistake a body that
    /// arrives together with the end for a truncated one.
    /// </summary>
    private sealed class WholeInput(IDuplexPipe pipe) : PipeReader, IDuplexPipe
    {
        private ReadOnlySequence<byte> last;
        private long lookedAt;

        public PipeReader Input => this;

        public PipeWriter Output => pipe.Output;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            WithoutEnd(await pipe.Input.ReadAsync(cancellationToken));

        public override bool TryRead(out ReadResult result)
        {
            var isRead = pipe.Input.TryRead(out result);
            if (isRead)
                result = WithoutEnd(result);
            return isRead;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            lookedAt = last.Slice(consumed, examined).Length;
            pipe.Input.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => pipe.Input.CancelPendingRead();

        public override void Complete(Exception? exception = null) => pipe.Input.Complete(exception);

        private ReadResult WithoutEnd(ReadResult result)
        {
            last = result.Buffer;
            return new ReadResult(result.Buffer, result.IsCanceled, result.IsCompleted && result.Buffer.Length <= lookedAt);
        }
    }
}
