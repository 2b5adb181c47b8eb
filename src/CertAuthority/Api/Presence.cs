using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using CertAuthority.Linux;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace CertAuthority.Api;

/// <summary>
/// Tells a peer that has said all it will say from one that is gone. The HTTP server takes the end of what it reads for both, and gives
/// up the call under way; so <c>printf … | nc -N</c> and <c>printf … | ssh HOST RELAY</c> would get no reply.
/// </summary>
internal sealed class Presence : IDisposable
{
    // A peer that is gone is noticed that much later than by the end of its input, and only if a call is under way.
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

    /// <summary>Lets calls of a connection go on while their answer can still be read.</summary>
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
    /// The peer's input, which reports its end only after the server has looked at every byte: the server would take a body that arrives
    /// together with the
    /// end for one that was cut short.
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
