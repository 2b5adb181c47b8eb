using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Signer;

/// <summary>
/// The signer's own log: a JSON line for each certificate, on the disk before its signature leaves. If somebody moves the file away, the
/// next line begins a new one.
/// </summary>
internal sealed class SignatureLog : IAsyncDisposable
{
    private const UnixFileMode ReadableByGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private readonly string path;
    private readonly Channel<(byte[] Line, TaskCompletionSource Written)> waiting =
        Channel.CreateUnbounded<(byte[], TaskCompletionSource)>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task writing;
    private SafeFileHandle? file;

    /// <summary>Opens the log, or begins one.</summary>
    /// <exception cref="ExposedException">Somebody else can write to it.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public SignatureLog(string path)
    {
        this.path = path;
        Open();
        writing = Task.Factory.StartNew(Write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Returns the line for a certificate.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="toBeSigned">Its bytes, whose hash is in the daemon's audit too.</param>
    /// <param name="now">The time of the signature.</param>
    public static byte[] Line(CertificateBody certificate, ReadOnlySpan<byte> toBeSigned, DateTimeOffset now)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", Instants.Show(now));
            json.WriteNumber("serial", certificate.Serial);
            json.WriteString("type", SigningLimits.Name(certificate.Type));
            json.WriteString("key_id", certificate.KeyId);
            Names("principals", certificate.Principals);
            // The decision has seen that both fit.
            json.WriteString("valid_after", Instants.Show(DateTimeOffset.FromUnixTimeSeconds((long)certificate.ValidAfter)));
            json.WriteString("valid_before", Instants.Show(DateTimeOffset.FromUnixTimeSeconds((long)certificate.ValidBefore)));
            json.WriteString("key", Fingerprint.Compute(certificate.Key));
            Names("critical_options", certificate.CriticalOptions.Select(option => option.Name));
            Names("extensions", certificate.Extensions.Select(option => option.Name));
            json.WriteString("digest", Convert.ToHexStringLower(SHA256.HashData(toBeSigned)));
            json.WriteEndObject();

            void Names(string name, IEnumerable<string> values)
            {
                json.WriteStartArray(name);
                foreach (var value in values)
                    json.WriteStringValue(value);
                json.WriteEndArray();
            }
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Appends a line. When the task has completed, it is on the disk.</summary>
    /// <exception cref="IOException">It was not written, or may not be on the disk.</exception>
    public Task Append(byte[] line)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return waiting.Writer.TryWrite((line, written)) ? written.Task : throw new IOException($"{path} is closed");
    }

    /// <summary>Checks that a line could be appended now, without appending one.</summary>
    /// <exception cref="IOException">It could not.</exception>
    public Task Check() => Append([]);

    public async ValueTask DisposeAsync()
    {
        waiting.Writer.Complete();
        await writing;
        file?.Dispose();
    }

    // One flush for all lines that came together.
    private void Write()
    {
        var reader = waiting.Reader;
        var together = new List<(byte[] Line, TaskCompletionSource Written)>();
        while (reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (together.Count < 64 && reader.TryRead(out var next))
                together.Add(next);
            try
            {
                WriteAll(together.Select(one => one.Line));
                together.ForEach(one => one.Written.SetResult());
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ExposedException)
            {
                // What is in the file is uncertain now: the next attempt opens it anew.
                file?.Dispose();
                file = null;
                together.ForEach(one => one.Written.SetException(new IOException($"the log cannot be written: {e.Message}")));
            }
            together.Clear();
        }
    }

    private void WriteAll(IEnumerable<byte[]> lines)
    {
        if (file is null || !FileStatus.Read(file).IsSameFileAs(FileStatus.Read(path)))
            Open();
        var length = RandomAccess.GetLength(file!);
        var text = new ArrayBufferWriter<byte>();
        // A line that was cut short by a full disk or a power cut stays as it is. Its signature never left.
        if (!EndsInLine(length))
            text.Write("\n"u8);
        foreach (var line in lines.Where(line => line.Length > 0))
        {
            text.Write(line);
            text.Write("\n"u8);
        }
        RandomAccess.Write(file!, text.WrittenSpan, length);
        RandomAccess.FlushToDisk(file!);
    }

    private bool EndsInLine(long length)
    {
        Span<byte> last = stackalloc byte[1];
        return length == 0 || (RandomAccess.Read(file!, last, length - 1) == 1 && last[0] == '\n');
    }

    private void Open()
    {
        file?.Dispose();
        file = null;
        if (TrustedPath.Fault(path) is { } fault)
            throw new ExposedException(fault);
        OwnFile.ExpectOwn(path);
        var isNew = FileStatus.Read(path) is null;
        file = File.OpenHandle(
            path, isNew ? FileMode.CreateNew : FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (!isNew)
            return;
        // The umask of a service leaves nothing to the group.
        File.SetUnixFileMode(file, ReadableByGroup);
        AtomicFile.FlushDirectory(Path.GetDirectoryName(path)!);
    }
}
