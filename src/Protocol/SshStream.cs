using System.Diagnostics;
using System.Text;

namespace CertAuthority.Protocol;

/// <summary>
/// Input and output of a running ssh as one stream. If ssh ends before the first byte arrives, reading throws with the reason.
/// </summary>
internal sealed class SshStream : Stream
{
    // Stderr of ssh and the remote side is kept for a message, up to this many characters.
    private const int MostSaid = 2048;

    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    private readonly ServerAddress.Ssh server;
    private readonly Process ssh;
    private readonly Stream toRelay;
    private readonly Stream fromRelay;
    private readonly Action onFirstByte;
    private readonly StringBuilder said = new();
    private readonly TaskCompletionSource answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task listening;
    private bool isThrough;
    private bool isAsking;

    /// <param name="server">The destination, for messages.</param>
    /// <param name="ssh">The running ssh, with all its streams redirected.</param>
    /// <param name="onFirstByte">Called once the first byte of an answer has arrived.</param>
    public SshStream(ServerAddress.Ssh server, Process ssh, Action onFirstByte)
    {
        (this.server, this.ssh, this.onFirstByte) = (server, ssh, onFirstByte);
        (toRelay, fromRelay) = (ssh.StandardInput.BaseStream, ssh.StandardOutput.BaseStream);
        listening = Listen();
    }

    /// <summary>Completes with the first byte, or when none will come.</summary>
    public Task Answered => answered.Task;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var length = await fromRelay.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        isAsking &= length == 0;
        if (isThrough || buffer.IsEmpty)
            return length;
        answered.TrySetResult();
        if (length == 0)
            throw await Failure(cancellationToken).ConfigureAwait(false);
        isThrough = true;
        onFirstByte();
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        isAsking = true;
        try
        {
            await toRelay.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            await toRelay.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        // ssh has ended; reading finds the reason.
        catch (IOException) when (!isThrough)
        {
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("HTTP reads asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("HTTP writes asynchronously");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // At the end of its input, the relay waits only for outstanding answers, and ssh ends with it. If nobody wants an answer any
            // more, or none was outstanding, this waits for neither.
            answered.TrySetResult();
            toRelay.Dispose();
            if ((!isThrough || isAsking) && !ssh.HasExited)
                ssh.Kill();
            fromRelay.Dispose();
            ssh.Dispose();
        }
        base.Dispose(disposing);
    }

    private async Task Listen()
    {
        try
        {
            var buffer = new char[512];
            while (await ssh.StandardError.ReadAsync(buffer).ConfigureAwait(false) is var length and > 0)
                lock (said)
                {
                    said.Append(buffer, 0, length);
                    if (said.Length > MostSaid)
                        said.Remove(0, said.Length - MostSaid);
                }
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or InvalidOperationException)
        {
        }
    }

    private async Task<UnreachableException> Failure(CancellationToken cancellation)
    {
        await ssh.WaitForExitAsync(cancellation).ConfigureAwait(false);
        // A shared connection that outlives this ssh can hold stderr open.
        await Task.WhenAny(listening, Task.Delay(LastWords, cancellation)).ConfigureAwait(false);
        lock (said)
            return SshFailure.From(server, ssh.ExitCode, said.ToString());
    }
}
