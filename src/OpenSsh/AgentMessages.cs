using System.Collections.Immutable;

namespace CertAuthority.OpenSsh;

/// <summary>A key that an ssh-agent offers: any blob, also of a kind that is not known here.</summary>
/// <param name="Blob">The public key as the agent names it.</param>
/// <param name="Comment">Its comment.</param>
public sealed record AgentIdentity(ImmutableArray<byte> Blob, string Comment);

/// <summary>The messages of the ssh-agent protocol (draft-miller-ssh-agent) that a CA needs, without the length in front of each.</summary>
public static class AgentMessages
{
    private const byte Failure = 5, RequestIdentities = 11, Identities = 12, SignRequest = 13, SignResponse = 14;

    private const uint RsaSha512 = 4;

    /// <summary>The question for all keys.</summary>
    public static byte[] ListRequest { get; } = [RequestIdentities];

    /// <summary>Returns the request to sign data. An RSA key is asked for SHA-512, because the default is SHA-1.</summary>
    public static byte[] ToSign(SignatureKey key, ReadOnlySpan<byte> data) => new WireWriter()
        .Byte(SignRequest)                                   // byte     SSH_AGENTC_SIGN_REQUEST
        .String(key.ToBlob())                                // string   key blob
        .String(data)                                        // string   data
        .UInt32(key is RsaPublicKey ? RsaSha512 : 0)         // uint32   flags
        .ToArray();

    /// <summary>Reads the keys that an agent offers.</summary>
    /// <exception cref="SshFormatException">The answer is something else.</exception>
    public static ImmutableArray<AgentIdentity> ReadIdentities(ReadOnlySpan<byte> answer)
    {
        var reader = new WireReader(answer);
        Expect(ref reader, Identities);
        var keys = ImmutableArray.CreateBuilder<AgentIdentity>();
        for (var left = reader.UInt32("number of keys"); left > 0; left--)
            keys.Add(new AgentIdentity([.. reader.String("key blob")], reader.Utf8("comment")));
        reader.ExpectEnd("the list of keys");
        return keys.ToImmutable();
    }

    /// <summary>Reads a signature.</summary>
    /// <returns>Null if the agent refused to sign.</returns>
    /// <exception cref="SshFormatException">The answer is something else.</exception>
    public static (string Algorithm, byte[] Blob)? ReadSignature(ReadOnlySpan<byte> answer)
    {
        if (answer is [Failure])
            return null;
        var reader = new WireReader(answer);
        Expect(ref reader, SignResponse);
        var signature = reader.Nested("signature");
        reader.ExpectEnd("signature");
        var algorithm = signature.Name("algorithm");
        var blob = signature.String("blob").ToArray();
        signature.ExpectEnd("blob");
        return (algorithm, blob);
    }

    private static void Expect(ref WireReader reader, byte type)
    {
        if (reader.Byte("type of the message") is var other && other != type)
            throw new SshFormatException($"the message has type {other}, not {type}");
    }
}
