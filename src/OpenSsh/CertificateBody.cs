namespace CertAuthority.OpenSsh;

/// <summary>Whether a certificate is for a user or for a host.</summary>
public enum CertificateType
{
    /// <summary>SSH_CERT_TYPE_USER: principals are logins.</summary>
    User = 1,

    /// <summary>SSH_CERT_TYPE_HOST: principals are host names.</summary>
    Host = 2,
}

/// <summary>A critical option or an extension.</summary>
public sealed class CertificateOption
{
    internal CertificateOption(string name, ReadOnlyMemory<byte> data) => (Name, Data) = (name, data);

    /// <summary>The name, such as <c>permit-pty</c> or <c>name@domain</c>.</summary>
    public string Name { get; }

    /// <summary>
    /// The data: empty for a flag, a nested <c>string</c> for a value, and anything for a name that OpenSSH does not define.
    /// </summary>
    public ReadOnlyMemory<byte> Data { get; }
}

/// <summary>
/// What the CA signs of a certificate: everything up to and including the signature key.
/// </summary>
/// <remarks>
/// Reading checks the form. It does not check validity, principals or options: anyone who relies on them must do that.
/// </remarks>
public class CertificateBody
{
    // OpenSSH's own limit (SSHKEY_CERT_MAX_PRINCIPALS).
    private const int MaxPrincipals = 256;

    private static readonly string[] Flags =
    [
        "no-touch-required", "permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty", "permit-user-rc",
        .. CriticalOption.All.Where(option => option.IsFlag).Select(option => option.Name),
    ];

    private static readonly string[] Values = [.. CriticalOption.All.Where(option => !option.IsFlag).Select(option => option.Name)];

    /// <summary>Reads the fields, one in each statement, in the order of the draft.</summary>
    private protected CertificateBody(ref WireReader reader)
    {
        var keyType = ReadKeyType(ref reader);
        Nonce = reader.String("nonce").ToArray();
        Key = PublicKey.ReadFields(keyType, ref reader);
        Serial = reader.UInt64("serial");
        Type = ReadType(ref reader);
        KeyId = reader.Utf8("key id");
        Principals = ReadPrincipals(reader.Nested("valid principals"));
        ValidAfter = reader.UInt64("valid after");
        ValidBefore = reader.UInt64("valid before");
        CriticalOptions = ReadOptions(reader.Nested("critical options"), "critical option");
        Extensions = ReadOptions(reader.Nested("extensions"), "extension");
        Reserved = reader.String("reserved").ToArray();
        SignatureKey = SignatureKey.ReadBlob(reader.Nested("signature key"));
    }

    /// <summary>Reads the bytes that a CA is to sign.</summary>
    /// <exception cref="SshFormatException">
    /// They are no certificate without its signature, or continue after its end; or they contain what is rejected in every certificate.
    /// </exception>
    public static CertificateBody Parse(ReadOnlySpan<byte> toBeSigned)
    {
        var reader = new WireReader(toBeSigned);
        var body = new CertificateBody(ref reader);
        reader.ExpectEnd("what is signed");
        return body;
    }

    /// <summary>Random bytes from the signer, of any length.</summary>
    public ReadOnlyMemory<byte> Nonce { get; }

    /// <summary>The certified key.</summary>
    public PublicKey Key { get; }

    /// <summary>The serial, which the signer assigns; 0 if the signer does not number certificates.</summary>
    public ulong Serial { get; }

    /// <summary>User or host.</summary>
    public CertificateType Type { get; }

    /// <summary>Free text that sshd logs. Escape it before you show it.</summary>
    public string KeyId { get; }

    /// <summary>Logins or host names, at most 256, in their order. Some verifiers read an empty list as everyone: reject it.</summary>
    public IReadOnlyList<string> Principals { get; }

    /// <summary>First second of validity since 1970-01-01 UTC.</summary>
    public ulong ValidAfter { get; }

    /// <summary>First second after validity; 2⁶⁴ − 1 means no end.</summary>
    public ulong ValidBefore { get; }

    /// <summary>Restrictions, in ascending order of name. A server that does not know one rejects the certificate.</summary>
    public IReadOnlyList<CertificateOption> CriticalOptions { get; }

    /// <summary>Permissions, in ascending order of name. A server ignores one that it does not know.</summary>
    public IReadOnlyList<CertificateOption> Extensions { get; }

    /// <summary>Bytes that have no meaning yet.</summary>
    public ReadOnlyMemory<byte> Reserved { get; }

    /// <summary>The key that made the signature, as the certificate states it; not verified.</summary>
    public SignatureKey SignatureKey { get; }

    /// <summary>Reads the type at the beginning of every certificate.</summary>
    /// <returns>The type of the certified key.</returns>
    internal static string ReadKeyType(ref WireReader reader)
    {
        var format = reader.Name("certificate type");
        return Array.Find(KeyTypes.All, type => KeyTypes.CertificateFormatOf(type) == format)
            ?? throw new SshFormatException($"{format} is not the type of a certificate for keys that are supported");
    }

    private static CertificateType ReadType(ref WireReader reader) => reader.UInt32("type") switch
    {
        1 => CertificateType.User,
        2 => CertificateType.Host,
        var type => throw new SshFormatException($"certificate type {type} is neither user (1) nor host (2)"),
    };

    private static List<string> ReadPrincipals(WireReader packed)
    {
        var principals = new List<string>();
        while (!packed.AtEnd)
        {
            if (principals.Count == MaxPrincipals)
                throw new SshFormatException($"there are more than {MaxPrincipals} principals");
            principals.Add(packed.Utf8("principal"));
        }
        return principals;
    }

    private static List<CertificateOption> ReadOptions(WireReader packed, string kind)
    {
        var options = new List<CertificateOption>();
        while (!packed.AtEnd)
        {
            var name = packed.Name($"{kind} name");
            if (options is [.., var last] && string.CompareOrdinal(last.Name, name) >= 0)
                throw new SshFormatException($"{kind} {name} does not stand in ascending order");
            var form = packed; // the same bytes, read twice: as a whole, and for their form
            options.Add(new CertificateOption(name, packed.String($"data of {name}").ToArray()));
            ExpectForm(name, form.Nested($"data of {name}"));
        }
        return options;
    }

    private static void ExpectForm(string name, WireReader data)
    {
        if (Flags.Contains(name))
        {
            data.ExpectEnd($"flag {name}");
        }
        else if (Values.Contains(name))
        {
            data.Utf8($"value of {name}");
            data.ExpectEnd($"value of {name}");
        }
    }
}
