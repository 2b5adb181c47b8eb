using System.Buffers;
using System.Text;

namespace CertAuthority.OpenSsh;

/// <summary>Checks the bytes of a certificate a last time before they are signed.</summary>
/// <remarks>
/// It shares no rule with <see cref="CertificateContent"/>: it reads bytes, while that class holds values, and it states each limit again,
/// so that a mistake there is not repeated here. It rejects everything that it does not know. For critical options both use one table,
/// which states each limit of a value separately for each of them.
/// </remarks>
public static class CertificateLint
{
    private static readonly SearchValues<byte> PrincipalBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:=/+~-"u8);

    private static readonly SearchValues<byte> FirstPrincipalBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"u8);

    private static readonly SearchValues<byte> HexBytes = SearchValues.Create("0123456789abcdef"u8);

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-"u8);

    private static readonly SearchValues<byte> HostNameBytes = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.:-_"u8);

    private static readonly SearchValues<byte> OthersNameBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-"u8);

    /// <summary>Returns everything that is wrong with <paramref name="toBeSigned"/>; empty if nothing is.</summary>
    /// <param name="toBeSigned">A certificate up to and including its signature key.</param>
    /// <param name="expected">The type that the certificate must have.</param>
    /// <returns>One lower-case clause for each fault. Malformed bytes end the list, because the bytes after them cannot be read.</returns>
    public static IReadOnlyList<string> Faults(ReadOnlySpan<byte> toBeSigned, CertificateType expected)
    {
        var faults = new List<string>();
        try
        {
            Read(toBeSigned, expected, faults);
        }
        catch (SshFormatException malformed)
        {
            faults.Add(malformed.Message);
        }
        return faults;
    }

    private static void Read(ReadOnlySpan<byte> toBeSigned, CertificateType expected, List<string> faults)
    {
        var reader = new WireReader(toBeSigned);

        var keyType = CertificateBody.ReadKeyType(ref reader);
        Expect(reader.String("nonce").Length == 32, "the nonce is not 32 bytes long");
        PublicKey.ReadFields(keyType, ref reader);
        Expect(reader.UInt64("serial") is >= 1 and < 1UL << 63, "the serial is not from 1 to 2^63-1");
        var isUser = expected == CertificateType.User;
        Expect(reader.UInt32("type") == (isUser ? 1u : 2u), isUser ? "the type is not user" : "the type is not host");
        var keyId = reader.String("key id");
        Expect(keyId.Length is >= 1 and <= 256, "the key id is not 1 to 256 bytes long");
        Expect(!keyId.ContainsAnyExceptInRange((byte)' ', (byte)'~'), "the key id is not printable ascii");
        ReadPrincipals(reader.Nested("valid principals"), isUser, faults);
        var validAfter = reader.UInt64("valid after");
        var validBefore = reader.UInt64("valid before");
        Expect(validAfter < validBefore, "the validity is empty");
        Expect(validBefore < 1UL << 63, "the validity has no end before 2^63");
        var options = reader.Nested("critical options");
        var extensions = reader.Nested("extensions");
        if (isUser)
        {
            ReadCriticalOptions(options, keyType, faults);
            ReadExtensions(extensions, faults);
        }
        else
        {
            Expect(options.AtEnd && extensions.AtEnd, "a host certificate has options, which no client knows");
        }
        Expect(reader.String("reserved").IsEmpty, "the reserved field is not empty");
        var signatureKey = SignatureKey.ReadBlob(reader.Nested("signature key"));
        reader.ExpectEnd("to-be-signed part of a certificate");
        Expect(toBeSigned.Length + MaxSignatureFieldLength(signatureKey) < 8192, "the certificate would not stay below 8192 bytes");

        void Expect(bool rule, string otherwise)
        {
            if (!rule)
                faults.Add(otherwise);
        }
    }

    private static void ReadPrincipals(WireReader packed, bool isUser, List<string> faults)
    {
        var seen = new HashSet<string>();
        while (!packed.AtEnd)
        {
            var principal = packed.String("principal");
            if (principal.IsEmpty
                || (isUser
                    ? !FirstPrincipalBytes.Contains(principal[0]) || principal.ContainsAnyExcept(PrincipalBytes)
                    : principal[0] == '-' || principal.ContainsAnyExcept(HostNameBytes)))
                faults.Add($"principal {seen.Count + 1} is empty or has a byte that is not safe everywhere");
            if (isUser && principal.IndexOf((byte)'=') is >= 0 and var sign && !IsGroup(principal, sign))
                faults.Add($"principal {seen.Count + 1} has a = that does not begin the token of a group");
            if (!seen.Add(Convert.ToHexString(principal)))
                faults.Add($"principal {seen.Count} stands twice");
        }
        if (seen.Count is 0 or > 256)
            faults.Add($"there are {seen.Count} principals, not 1 to 256");
    }

    // "login@=name.0123456789abcdef": the name in lower case, at most 63 bytes, and 16 digits.
    private static bool IsGroup(ReadOnlySpan<byte> principal, int sign)
    {
        var token = principal[(sign + 1)..];
        return sign > 1 && principal[sign - 1] == '@' && token.Length is >= 18 and <= 80 && token[^17] == '.'
            && token[0] is not ((byte)'.' or (byte)'-') && !token.ContainsAnyExcept(TokenBytes)
            && !token[^16..].ContainsAnyExcept(HexBytes);
    }

    // An option that a server does not know locks the holder out, and so does a permit flag among the critical options.
    private static void ReadCriticalOptions(WireReader packed, string keyType, List<string> faults)
    {
        var previous = "";
        while (!packed.AtEnd)
        {
            var name = packed.Name("critical option name");
            if (string.CompareOrdinal(previous, name) >= 0)
                faults.Add("the critical options are not in ascending order");
            previous = name;
            if (CriticalOption.Find(name) is not { } option)
            {
                faults.Add($"critical option {name} is not one that this CA grants");
                packed.String("critical option data");
                continue;
            }
            if (option.IsForSecurityKeys && !keyType.StartsWith("sk-", StringComparison.Ordinal))
                faults.Add($"{name} is not enforced for a key outside of an authenticator");
            if (!option.IsFlag)
            {
                if (option.Fault(Value(ref packed, name, faults)) is { } fault)
                    faults.Add($"{name} {fault}");
            }
            else if (!packed.String($"data of {name}").IsEmpty)
            {
                faults.Add($"{name} is a flag, and has data");
            }
        }
    }

    private static void ReadExtensions(WireReader packed, List<string> faults)
    {
        var previous = ReadOnlySpan<byte>.Empty;
        while (!packed.AtEnd)
        {
            var name = packed.String("extension name");
            if (previous.SequenceCompareTo(name) >= 0)
                faults.Add("the extensions are not in ascending order");
            previous = name;

            if (CriticalOption.Find(Encoding.ASCII.GetString(name)) is not null)
            {
                faults.Add($"{Encoding.ASCII.GetString(name)} is a restriction, and among the extensions servers ignore it");
                packed.String("extension data");
            }
            else if (name.SequenceEqual("permit-X11-forwarding"u8) || name.SequenceEqual("permit-agent-forwarding"u8)
                     || name.SequenceEqual("permit-port-forwarding"u8) || name.SequenceEqual("permit-pty"u8))
            {
                if (!packed.String("extension data").IsEmpty)
                    faults.Add($"{Encoding.ASCII.GetString(name)} is a flag, and has data");
            }
            else if (IsOthersName(name))
            {
                ReadOthersValue(packed.Nested("extension data"), faults);
            }
            else
            {
                faults.Add("an extension is not one that this CA grants");
                packed.String("extension data");
            }
        }
    }

    // string(string value)
    private static ReadOnlySpan<byte> Value(ref WireReader packed, string name, List<string> faults)
    {
        var data = packed.Nested($"data of {name}");
        var value = data.String($"value of {name}");
        if (!data.AtEnd)
            faults.Add($"bytes follow the value of {name}");
        return value;
    }

    private static void ReadOthersValue(WireReader data, List<string> faults)
    {
        if (data.AtEnd)
            return;
        if (data.String("value of an extension").ContainsAnyExceptInRange((byte)' ', (byte)'~') || !data.AtEnd)
            faults.Add("the value of an extension is not one printable text");
    }

    // name@domain with one @, as RFC 4251 section 6 defines it; the domain openssh.com is not ours to use.
    private static bool IsOthersName(ReadOnlySpan<byte> name)
    {
        var at = name.IndexOf((byte)'@');
        return at > 0 && at < name.Length - 1 && name.Length <= 64 && name[(at + 1)..].IndexOf((byte)'@') < 0
            && !name.ContainsAnyExcept(OthersNameBytes) && !name[(at + 1)..].SequenceEqual("openssh.com"u8);
    }

    // string(string algorithm, string blob)
    private static int MaxSignatureFieldLength(SignatureKey signatureKey) =>
        (3 * sizeof(uint)) + signatureKey.SignatureAlgorithms.Max(algorithm => algorithm.Length) + signatureKey.MaxSignatureLength;
}
