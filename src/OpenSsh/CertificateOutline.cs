namespace CertAuthority.OpenSsh;

/// <summary>
/// The fields that distinguish one certificate from another, whoever signed it. Unlike <see cref="Certificate"/> it accepts every key,
/// because some authorities have keys that are weaker than any that is certified here, or are security keys.
/// </summary>
public sealed class CertificateOutline
{
    // Each key consists of its type and this many strings.
    private static readonly Dictionary<string, int> Fields = new()
    {
        ["ssh-ed25519"] = 1,
        ["ecdsa-sha2-nistp256"] = 2,
        ["ecdsa-sha2-nistp384"] = 2,
        ["ecdsa-sha2-nistp521"] = 2,
        ["ssh-rsa"] = 2,
        ["ssh-dss"] = 4,
        ["sk-ssh-ed25519@openssh.com"] = 2,
        ["sk-ecdsa-sha2-nistp256@openssh.com"] = 3,
    };

    private CertificateOutline(string format, ReadOnlySpan<byte> blob)
    {
        var reader = new WireReader(blob);
        var name = reader.Name("certificate type");
        if (name != format)
            throw new SshFormatException($"the line begins with another type than that of the certificate in it, {name}");
        var type = Fields.Keys.FirstOrDefault(type => KeyTypes.CertificateFormatOf(type) == name)
            ?? throw new SshFormatException($"{name} is not the type of a certificate");
        reader.String("nonce");
        Key = ReadKey(type, ref reader);
        Serial = reader.UInt64("serial");
        reader.UInt32("type");
        KeyId = reader.Utf8("key id");
        reader.String("valid principals");
        reader.UInt64("valid after");
        ValidBefore = reader.UInt64("valid before");
        reader.String("critical options");
        reader.String("extensions");
        reader.String("reserved");
        SignatureKey = reader.String("signature key").ToArray();
        reader.String("signature");
        reader.ExpectEnd("certificate");
    }

    /// <summary>The blob of the certified key.</summary>
    public ReadOnlyMemory<byte> Key { get; }

    /// <summary>The serial, which the signer assigns.</summary>
    public ulong Serial { get; }

    /// <summary>Free text that sshd logs. Escape it before you show it.</summary>
    public string KeyId { get; }

    /// <summary>First second after validity since 1970-01-01 UTC.</summary>
    public ulong ValidBefore { get; }

    /// <summary>The blob of the signer's key.</summary>
    public ReadOnlyMemory<byte> SignatureKey { get; }

    /// <summary>Reads one line <c>type base64 [comment]</c>, as in a <c>-cert.pub</c> file.</summary>
    /// <exception cref="SshFormatException">It is not one such line, or not an OpenSSH certificate.</exception>
    public static CertificateOutline ParseLine(string line)
    {
        var keyLine = KeyLine.Parse(line);
        return new CertificateOutline(keyLine.Type, keyLine.Blob);
    }

    private static byte[] ReadKey(string type, ref WireReader reader)
    {
        var key = new WireWriter().String(type);
        for (var i = 0; i < Fields[type]; i++)
            key.String(reader.String("key"));
        return key.ToArray();
    }
}
