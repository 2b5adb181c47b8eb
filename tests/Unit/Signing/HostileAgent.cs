using System.Buffers.Binary;
using System.Net.Sockets;
using CertAuthority.Configuration;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

/// <summary>A program at the socket of an agent that answers as it is set to.</summary>
internal sealed class HostileAgent : IDisposable
{
    private readonly CancellationTokenSource end = new();
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly PrivateKey other = PrivateKeys.New(CaKeyType.Ed25519);
    private volatile Func<byte[], PrivateKey, byte[]?> answer = Good;
    private int asked;

    public HostileAgent(string path)
    {
        Path = path;
        listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen();
        _ = Serve();
    }

    public string Path { get; }

    public PrivateKey Key { get; } = PrivateKeys.New(CaKeyType.Ed25519);

    public KeyCustody.InAgent Custody => new(Path, Fingerprint.Compute(Key.PublicKey));

    /// <summary>Whether it ends each connection after an answer, like an agent that is restarted.</summary>
    public bool ClosesAfterEachAnswer { get; set; }

    /// <summary>How many messages it got.</summary>
    public int Asked => Volatile.Read(ref asked);

    public void Answer(string how) => answer = how switch
    {
        "well" => Good,
        "with garbage" => (_, _) => Frame([.. "HTTP/1.1 200 OK\r\n\r\n"u8]),
        "with an empty frame" => (_, _) => [0, 0, 0, 0],
        "with a frame of 4 GiB" => (_, _) => [0xFF, 0xFF, 0xFF, 0xFF, 14, 0, 0],
        "with one byte more than is read" => (_, _) => [0, 1, 0, 1, .. new byte[0x10001]],
        "with a list of keys" => (_, key) => Good([11], key),
        "with a refusal" => (message, key) => message[0] == 11 ? Good(message, key) : Frame([5]),
        "with a refusal of certificates" => (message, key) => message[0] == 11 || DataOf(message).AsSpan().SequenceEqual(Signature.Probe) ? Good(message, key) : Frame([5]),
        "without its keys" => (message, _) => message[0] == 11 ? Frame([12, 0, 0, 0, 0]) : Frame([5]),
        "by the signature of another key" => (message, _) => Frame(Signed(other, DataOf(message))),
        "by a signature of other bytes" => (message, key) => Frame(Signed(key, [.. DataOf(message), 0])),
        "by a signature that names another algorithm" => (message, key) =>
            Frame(new WireWriter().Byte(14).String(new WireWriter().String("ssh-rsa").String(key.Sign(DataOf(message)).Blob)).ToArray()),
        "by a signature of 60 KB" => (_, _) => Frame(new WireWriter().Byte(14).String(new WireWriter().String("ssh-ed25519").String(new byte[60 << 10])).ToArray()),
        "by closing the connection" => (_, _) => null,
        "by closing it in the middle" => (message, key) => Good(message, key)[..20],
        "never" => (_, _) => [],
        _ => throw new ArgumentOutOfRangeException(nameof(how), how, null),
    };

    /// <summary>The same, but it lists its keys well.</summary>
    public void AnswerSignatures(string how)
    {
        Answer(how);
        var bad = answer;
        answer = (message, key) => message[0] == 11 ? Good(message, key) : bad(message, key);
    }

    public void Dispose()
    {
        end.Cancel();
        listener.Dispose();
        end.Dispose();
        other.Dispose();
        Key.Dispose();
    }

    private static byte[] Good(byte[] message, PrivateKey key) => Frame(
        message[0] == 11
            ? new WireWriter().Byte(12).UInt32(2).String("of another kind").String("").String(key.PublicKey.ToBlob()).String("the CA").ToArray()
            : Signed(key, DataOf(message)));

    private static byte[] Signed(PrivateKey key, byte[] data)
    {
        var (algorithm, blob) = key.Sign(data);
        return new WireWriter().Byte(14).String(new WireWriter().String(algorithm).String(blob)).ToArray();
    }

    private static byte[] DataOf(byte[] message)
    {
        var reader = new WireReader(message);
        reader.Byte("type");
        reader.String("key");
        return reader.String("data").ToArray();
    }

    private static byte[] Frame(byte[] content)
    {
        var frame = new byte[sizeof(int) + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, content.Length);
        content.CopyTo(frame, sizeof(int));
        return frame;
    }

    private async Task Serve()
    {
        while (!end.IsCancellationRequested)
            _ = Attend(await listener.AcceptAsync(end.Token));
    }

    private async Task Attend(Socket connection)
    {
        using (connection)
        {
            while (true)
            {
                var length = new byte[sizeof(int)];
                if (!await Fill(connection, length))
                    return;
                var message = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
                if (!await Fill(connection, message))
                    return;
                Interlocked.Increment(ref asked);
                if (answer(message, Key) is not { } bytes)
                    return;
                await connection.SendAsync(bytes, end.Token);
                if (bytes.Length == 20 || ClosesAfterEachAnswer)
                    return;
            }
        }
    }

    private async Task<bool> Fill(Socket connection, Memory<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var count = await connection.ReceiveAsync(buffer, end.Token);
            if (count == 0)
                return false;
            buffer = buffer[count..];
        }
        return true;
    }
}
