using System.Collections.Immutable;
using System.Security.Cryptography;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signer;

/// <summary>
/// An ssh-agent with one key, which signs certificates within its limits and nothing else. It also signs the text by which the daemon looks
/// whether its key works, and does so only while it could sign a certificate: the daemon then asks before it records one.
/// </summary>
/// <param name="settings">The limits, and where the key is.</param>
/// <param name="key">The key.</param>
/// <param name="log">Where each signature is recorded before it leaves.</param>
/// <param name="clock">The signer's own time.</param>
/// <param name="report">Takes a line for each refusal: the protocol has no room for a reason.</param>
internal sealed class SigningAgent(SignerSettings settings, PrivateKey key, SignatureLog log, TimeProvider clock, Action<string> report)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Queue<long> lastMinute = new();

    /// <summary>Answers a message of a client.</summary>
    /// <param name="message">Any bytes.</param>
    public async Task<byte[]> Answer(ReadOnlyMemory<byte> message)
    {
        AgentRequest request;
        try
        {
            request = AgentMessages.ReadRequest(message.Span);
        }
        catch (SshFormatException other)
        {
            return Refuse(other.Message);
        }
        if (request.Key is not { } wanted)
            return AgentMessages.ToList(key.PublicKey, $"{SigningLimits.Name(settings.Limits.Type)} CA");
        if (!wanted.AsSpan().SequenceEqual(key.PublicKey.ToBlob()))
            return Refuse("another key than that of this signer is to sign");
        if (request.Flags != AgentMessages.FlagsOf(key.PublicKey))
            return Refuse($"the key is to sign in another way than a CA does, with the flags {request.Flags}");
        try
        {
            return request.Data.AsSpan().SequenceEqual(Signature.Probe) ? await Prove() : await Sign(request.Data);
        }
        catch (Exception e) when (e is IOException or CryptographicException)
        {
            return Refuse(e.Message);
        }
    }

    private async Task<byte[]> Prove()
    {
        if (KeyFile.Drift(settings.Key, key.PublicKey) is { } drift)
            return Refuse(drift);
        await log.Check();
        return Signed(Signature.Probe);
    }

    private async Task<byte[]> Sign(ImmutableArray<byte> toBeSigned)
    {
        var now = clock.GetUtcNow();
        var why = settings.Limits.Refusal(toBeSigned.AsSpan(), key.PublicKey, now, out var certificate);
        if (why is null && !IsOneOfTheMinute())
            why = $"{settings.Limits.PerMinute} certificates were signed within a minute, and no more are";
        if (why is not null)
            return Refuse(certificate is null ? why : $"certificate {certificate.Serial} of {certificate.KeyId}: {why}");
        await log.Append(SignatureLog.Line(certificate!, toBeSigned.AsSpan(), now));
        return Signed(toBeSigned.AsSpan());
    }

    private byte[] Signed(ReadOnlySpan<byte> data)
    {
        var (algorithm, blob) = key.Sign(data);
        // A wrong signature, from a fault in memory, must not leave: it can reveal the private key.
        return key.Made(data, algorithm, blob)
            ? AgentMessages.Signed(algorithm, blob)
            : throw new CryptographicException("the key made a signature that its public key does not verify");
    }

    private bool IsOneOfTheMinute()
    {
        lock (lastMinute)
        {
            while (lastMinute.TryPeek(out var oldest) && clock.GetElapsedTime(oldest) >= Minute)
                lastMinute.Dequeue();
            if (lastMinute.Count >= settings.Limits.PerMinute)
                return false;
            lastMinute.Enqueue(clock.GetTimestamp());
            return true;
        }
    }

    private byte[] Refuse(string why)
    {
        report(why);
        return AgentMessages.Refusal;
    }
}
