using System.Buffers;
using System.Text;

namespace CertAuthority.OpenSsh;

/// <summary>The last look at the bytes of a user certificate before they are signed.</summary>
/// <remarks>
/// It shares no rule with <see cref="UserCertificate"/>: it reads bytes where that holds values, and states each limit again, so that a
/// mistake there does not excuse itself here. What it does not know, it refuses.
/// </remarks>
public static class CertificateLint
{
    static readonly SearchValues<byte> PrincipalBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:=/+~-"u8);

    static readonly SearchValues<byte> FirstPrincipalBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"u8);

    /// <summary>Everything that is wrong with <paramref name="toBeSigned"/>, or nothing.</summary>
    /// <param name="toBeSigned">A user certificate up to and including its signature key.</param>
    /// <returns>One lower-case clause a fault. Malformed bytes end the list: what follows them can not be told.</returns>
    public static IReadOnlyList<string> Faults(ReadOnlySpan<byte> toBeSigned)
    {
        var faults = new List<string>();
        try
        {
            Read(toBeSigned, faults);
        }
        catch (SshFormatException malformed)
        {
            faults.Add(malformed.Message);
        }
        return faults;
    }

    static void Read(ReadOnlySpan<byte> toBeSigned, List<string> faults)
    {
        var reader = new WireReader(toBeSigned);

        var keyType = Certificate.ReadKeyType(ref reader);
        Expect(reader.String("nonce").Length == 32, "the nonce is not 32 bytes long");
        PublicKey.ReadFields(keyType, ref reader);
        Expect(reader.UInt64("serial") is >= 1 and < 1UL << 63, "the serial is not from 1 to 2^63-1");
        Expect(reader.UInt32("type") == 1, "the type is not user");
        var keyId = reader.String("key id");
        Expect(keyId.Length is >= 1 and <= 256, "the key id is not 1 to 256 bytes long");
        Expect(!keyId.ContainsAnyExceptInRange((byte)' ', (byte)'~'), "the key id is not printable ascii");
        ReadPrincipals(reader.Nested("valid principals"), faults);
        var validAfter = reader.UInt64("valid after");
        var validBefore = reader.UInt64("valid before");
        Expect(validAfter < validBefore, "the validity is empty");
        Expect(validBefore < 1UL << 63, "the validity has no end before 2^63");
        ReadCriticalOptions(reader.Nested("critical options"), faults);
        ReadExtensions(reader.Nested("extensions"), faults);
        Expect(reader.String("reserved").IsEmpty, "the reserved field is not empty");
        var signatureKey = PublicKey.ReadBlob(reader.Nested("signature key"));
        reader.ExpectEnd("to-be-signed part of a certificate");
        Expect(toBeSigned.Length + MaxSignatureFieldLength(signatureKey) < 8192, "the certificate would not stay below 8192 bytes");

        void Expect(bool rule, string otherwise)
        {
            if (!rule)
                faults.Add(otherwise);
        }
    }

    static void ReadPrincipals(WireReader packed, List<string> faults)
    {
        var seen = new HashSet<string>();
        while (!packed.AtEnd)
        {
            var principal = packed.String("principal");
            if (principal.IsEmpty || !FirstPrincipalBytes.Contains(principal[0]) || principal.ContainsAnyExcept(PrincipalBytes))
                faults.Add($"principal {seen.Count + 1} is empty or has a byte that is not safe everywhere");
            if (!seen.Add(Convert.ToHexString(principal)))
                faults.Add($"principal {seen.Count} stands twice");
        }
        if (seen.Count is 0 or > 256)
            faults.Add($"there are {seen.Count} principals, not 1 to 256");
    }

    // This CA grants none yet. One that a server does not know locks the holder out; a permit-flag among them does, too.
    static void ReadCriticalOptions(WireReader packed, List<string> faults)
    {
        while (!packed.AtEnd)
        {
            faults.Add($"critical option {packed.Name("critical option name")} is not one that this CA grants");
            packed.String("critical option data");
        }
    }

    static void ReadExtensions(WireReader packed, List<string> faults)
    {
        var previous = ReadOnlySpan<byte>.Empty;
        while (!packed.AtEnd)
        {
            var name = packed.String("extension name");
            var data = packed.String("extension data");
            if (previous.SequenceCompareTo(name) >= 0)
                faults.Add("the extensions are not in ascending order");
            previous = name;

            if (name.SequenceEqual("force-command"u8) || name.SequenceEqual("source-address"u8) || name.SequenceEqual("verify-required"u8))
                faults.Add($"{Encoding.ASCII.GetString(name)} is a restriction, and among the extensions servers ignore it");
            else if (!(name.SequenceEqual("permit-X11-forwarding"u8) || name.SequenceEqual("permit-agent-forwarding"u8)
                       || name.SequenceEqual("permit-port-forwarding"u8) || name.SequenceEqual("permit-pty"u8)))
                faults.Add("an extension is not one that this CA grants");
            else if (!data.IsEmpty)
                faults.Add($"{Encoding.ASCII.GetString(name)} is a flag, and has data");
        }
    }

    // string(string algorithm, string blob)
    static int MaxSignatureFieldLength(PublicKey signatureKey) =>
        (3 * sizeof(uint)) + signatureKey.SignatureAlgorithms.Max(algorithm => algorithm.Length) + signatureKey.MaxSignatureLength;
}
