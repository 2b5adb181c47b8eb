using System.Collections.Immutable;

namespace CertAuthority.OpenSsh;

/// <summary>A key that an ssh-agent offers: any blob, also of a kind that is not known here.</summary>
/// <param name="Blob">The public key as the agent names it.</param>
/// <param name="Comment">Its comment.</param>
public sealed record AgentIdentity(ImmutableArray<byte> Blob, string Comment);

/// <summary>What a client asks an agent for.</summary>
/// <param name="Key">The blob of the key that is to sign; null if the client asks for the list of keys.</param>
/// <param name="Data">What is to be signed.</param>
/// <param name="Flags">How an RSA key is to sign.</param>
public sealed record AgentRequest(ImmutableArray<byte>? Key, ImmutableArray<byte> Data, uint Flags);

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
        .UInt32(FlagsOf(key))                                // uint32   flags
        .ToArray();

    /// <summary>The answer to whatever is refused or not understood.</summary>
    public static byte[] Refusal { get; } = [Failure];

    /// <summary>Reads a request for the keys, or for a signature.</summary>
    /// <exception cref="SshFormatException">It asks for something else, or is malformed.</exception>
    public static AgentRequest ReadRequest(ReadOnlySpan<byte> message)
    {
        var reader = new WireReader(message);
        switch (reader.Byte("type of the message"))
        {
            case RequestIdentities:
                reader.ExpectEnd("the request for keys");
                return new AgentRequest(null, [], 0);
            case SignRequest:
                var request = new AgentRequest([.. reader.String("key blob")], [.. reader.String("data")], reader.UInt32("flags"));
                reader.ExpectEnd("the request to sign");
                return request;
            case var other:
                throw new SshFormatException($"a message of the type {other} is not answered");
        }
    }

    /// <summary>Returns the flags of a request that has a key sign as a CA should: an RSA key with SHA-512.</summary>
    public static uint FlagsOf(SignatureKey key) => key is RsaPublicKey ? RsaSha512 : 0;

    /// <summary>Returns the answer that lists one key.</summary>
    public static byte[] ToList(SignatureKey key, string comment) => new WireWriter()
        .Byte(Identities)                                    // byte     SSH_AGENT_IDENTITIES_ANSWER
        .UInt32(1)                                           // uint32   nkeys
        .String(key.ToBlob())                                // string   key blob
        .String(comment)                                     // string   comment
        .ToArray();

    /// <summary>Returns the answer with a signature.</summary>
    public static byte[] Signed(string algorithm, ReadOnlySpan<byte> blob) => new WireWriter()
        .Byte(SignResponse)                                  // byte     SSH_AGENT_SIGN_RESPONSE
        .String(new WireWriter()                             // string   signature:
            .String(algorithm)                               //            string   algorithm
            .String(blob))                                   //            string   blob
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
