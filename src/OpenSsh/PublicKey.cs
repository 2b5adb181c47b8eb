using System.Numerics;

namespace CertAuthority.OpenSsh;

/// <summary>
/// A plain public key (RFC 4253 section 6.6) of a kind and strength that may be certified or trusted. Two keys are equal if their bytes
/// are.
/// </summary>
public abstract record PublicKey
{
    private readonly byte[] fields;

    private protected PublicKey(string type, byte[] fields) => (Type, this.fields) = (type, fields);

    /// <summary>The types of all keys that can be read, as <see cref="Type"/> names them.</summary>
    public static IReadOnlyList<string> Types => KeyTypes.All;

    /// <summary>The name of its format, such as <c>ssh-ed25519</c>.</summary>
    public string Type { get; }

    /// <summary>The name of the certificate format for such a key.</summary>
    internal string CertificateFormat => KeyTypes.CertificateFormatOf(Type);

    /// <summary>The bytes after the type: the same fields, in the same order, in a plain key and in a certificate.</summary>
    internal ReadOnlySpan<byte> Fields => fields;

    /// <summary>Reads a key blob: the type and its fields, with nothing after them.</summary>
    /// <exception cref="SshFormatException">
    /// It is malformed, not in canonical form, of an unknown type, a certificate, too weak, or a key that anybody can sign for.
    /// </exception>
    public static PublicKey Parse(ReadOnlySpan<byte> blob) => ReadBlob(new WireReader(blob));

    /// <summary>Reads one line <c>type base64 [comment]</c>, as in a <c>.pub</c> file; options before the key are not allowed.</summary>
    /// <exception cref="SshFormatException">
    /// It is not exactly one such line, is a private key, names another type than the key in it, or contains a key that <see cref="Parse"/>
    /// rejects.
    /// </exception>
    public static PublicKey ParseLine(string line)
    {
        var keyLine = KeyLine.Parse(line);
        var key = Parse(keyLine.Blob);
        keyLine.ExpectType(key.Type);
        return key;
    }

    /// <summary>
    /// Reads the line of a key that another authority signs with. The key is checked like every other, but may be as short as sshd accepts,
    /// because that authority decides how strong its key is.
    /// </summary>
    /// <exception cref="SshFormatException">It is not one such line, or a key that anybody can sign for.</exception>
    public static PublicKey ParseOtherAuthority(string line)
    {
        var keyLine = KeyLine.Parse(line);
        var blob = new WireReader(keyLine.Blob);
        var key = ReadFields(blob.Name("key type"), ref blob, RsaPublicKey.MinBitsOfOthers);
        blob.ExpectEnd("public key");
        keyLine.ExpectType(key.Type);
        return key;
    }

    /// <summary>Returns the key blob: the type and its fields.</summary>
    public byte[] ToBlob() => new WireWriter().String(Type).Raw(fields).ToArray();

    /// <summary>Returns one line <c>type base64 comment</c>, without a newline.</summary>
    /// <param name="comment">Free text, or empty for none.</param>
    /// <exception cref="ArgumentException">The comment contains control characters.</exception>
    public string ToLine(string comment) => KeyLine.Format(Type, ToBlob(), comment);

    /// <summary>Compares the type and the bytes.</summary>
    public virtual bool Equals(PublicKey? other) => other is not null && Type == other.Type && Fields.SequenceEqual(other.Fields);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(fields);
        return hash.ToHashCode();
    }

    /// <summary>Returns the key as a line without a comment.</summary>
    public sealed override string ToString() => ToLine("");

    /// <summary>Reads a key blob that is part of other bytes.</summary>
    internal static PublicKey ReadBlob(WireReader blob)
    {
        var key = ReadFields(blob.Name("key type"), ref blob);
        blob.ExpectEnd("public key");
        return key;
    }

    /// <summary>Reads the fields after the type, in a plain key or in a certificate.</summary>
    internal static PublicKey ReadFields(string type, ref WireReader reader, int minRsaBits = RsaPublicKey.MinBits) => type switch
    {
        "ssh-ed25519" => Ed25519PublicKey.Read(ref reader),
        "ecdsa-sha2-nistp256" => EcdsaPublicKey.Read(EcdsaCurve.NistP256, ref reader),
        "ecdsa-sha2-nistp384" => EcdsaPublicKey.Read(EcdsaCurve.NistP384, ref reader),
        "ecdsa-sha2-nistp521" => EcdsaPublicKey.Read(EcdsaCurve.NistP521, ref reader),
        "ssh-rsa" => RsaPublicKey.Read(ref reader, minRsaBits),
        "sk-ssh-ed25519@openssh.com" => SecurityKeyEd25519PublicKey.Read(ref reader),
        "sk-ecdsa-sha2-nistp256@openssh.com" => SecurityKeyEcdsaPublicKey.Read(ref reader),
        _ when KeyTypes.IsCertificate(type) =>
            throw new SshFormatException($"{type} is a certificate where a plain key belongs"),
        _ => throw new SshFormatException($"key type {type} is not supported"),
    };
}

/// <summary>
/// A key that can be the signature key of a certificate: a CA key. A security key cannot, because it signs only when somebody touches it.
/// </summary>
public abstract record SignatureKey : PublicKey
{
    private protected SignatureKey(string type, byte[] fields)
        : base(type, fields)
    {
    }

    /// <summary>The names of the signature formats for this key, the preferred one first. SHA-1 is never one of them.</summary>
    public abstract IReadOnlyList<string> SignatureAlgorithms { get; }

    /// <summary>The largest size in bytes of the blob of a signature by this key.</summary>
    internal abstract int MaxSignatureLength { get; }

    /// <inheritdoc cref="PublicKey.Parse"/>
    /// <exception cref="SshFormatException">It is a key that <see cref="PublicKey.Parse"/> rejects, or a security key.</exception>
    public static new SignatureKey Parse(ReadOnlySpan<byte> blob) => ReadBlob(new WireReader(blob));

    /// <inheritdoc cref="PublicKey.ReadBlob"/>
    internal static new SignatureKey ReadBlob(WireReader blob) => PublicKey.ReadBlob(blob) switch
    {
        SignatureKey key => key,
        var other => throw new SshFormatException($"{other.Type} is a security key, and those sign no certificates"),
    };
}

/// <summary>An Ed25519 key (RFC 8709).</summary>
public sealed record Ed25519PublicKey : SignatureKey
{
    private const int Length = 32;

    /// <summary>Creates a key from the 32 bytes of RFC 8032.</summary>
    /// <exception cref="ArgumentException"><paramref name="pk"/> is not 32 bytes long.</exception>
    public Ed25519PublicKey(ReadOnlySpan<byte> pk)
        : base("ssh-ed25519", new WireWriter().String(pk).ToArray())
    {
        if (pk.Length != Length)
            throw new ArgumentException($"an ed25519 public key is {Length} bytes long, not {pk.Length}", nameof(pk));
    }

    /// <summary>The key's 32 bytes, as in RFC 8032 section 5.1.5.</summary>
    public ReadOnlySpan<byte> Pk => Fields[^Length..];

    /// <inheritdoc/>
    public override IReadOnlyList<string> SignatureAlgorithms => [Type];

    internal override int MaxSignatureLength => 64;

    internal static Ed25519PublicKey Read(ref WireReader reader) => new(ReadPk(ref reader));

    /// <summary>Reads the 32 bytes, as Ed25519 keys contain them.</summary>
    internal static ReadOnlySpan<byte> ReadPk(ref WireReader reader)
    {
        var pk = reader.String(Length, "pk");
        return Ed25519Point.Fault(pk) is { } fault ? throw new SshFormatException(fault) : pk;
    }
}

/// <summary>An ECDSA key (RFC 5656 section 3.1).</summary>
public sealed record EcdsaPublicKey : SignatureKey
{
    private EcdsaPublicKey(EcdsaCurve curve, ReadOnlySpan<byte> q)
        : base("ecdsa-sha2-" + curve.Name, new WireWriter().String(curve.Name).String(q).ToArray()) => Curve = curve;

    /// <summary>The curve that the key's type names.</summary>
    public EcdsaCurve Curve { get; }

    /// <summary>The point: 0x04, then X and Y of <see cref="EcdsaCurve.FieldLength"/> bytes each.</summary>
    public ReadOnlySpan<byte> Q => Fields[^(1 + (2 * Curve.FieldLength))..];

    /// <inheritdoc/>
    public override IReadOnlyList<string> SignatureAlgorithms => [Type];

    // mpint r, mpint s: each a length, possibly a zero, and a number below the order of the curve
    internal override int MaxSignatureLength => 2 * (sizeof(uint) + 1 + Curve.FieldLength);

    internal static EcdsaPublicKey Read(EcdsaCurve curve, ref WireReader reader) => new(curve, ReadPoint(curve, ref reader));

    /// <summary>Reads curve and point, as ECDSA keys contain them.</summary>
    internal static ReadOnlySpan<byte> ReadPoint(EcdsaCurve curve, ref WireReader reader)
    {
        if (reader.Name("curve") is var name && name != curve.Name)
            throw new SshFormatException($"the curve is {name} in a key for {curve.Name}");
        var q = reader.String("Q");
        if (!curve.Contains(q))
            throw new SshFormatException($"Q is not an uncompressed point of {curve.Name}");
        return curve.IsBasePoint(q) ? throw new SshFormatException("Q is the base point, whose private key everybody knows") : q;
    }
}

/// <summary>An RSA key (RFC 4253 section 6.6) of 3072 to 8192 bits.</summary>
public sealed record RsaPublicKey : SignatureKey
{
    // sshd does not check the size of a CA key and, above 1024 bits, of a user's key, so the CA has to. The upper limit leaves room in a
    // certificate for everything else that it may contain.
    internal const int MinBits = 3072;
    private const int MaxBits = 8192;

    /// <summary>The smallest size that sshd accepts (<c>RequiredRSASize</c>).</summary>
    internal const int MinBitsOfOthers = 1024;

    private RsaPublicKey(ReadOnlySpan<byte> e, ReadOnlySpan<byte> n)
        : base("ssh-rsa", new WireWriter().MpInt(e).MpInt(n).ToArray())
    {
    }

    /// <summary>
    /// The public exponent, big-endian: 65537, which all key generators have chosen for many years. With small exponents, mistakes in other
    /// programs are easy to exploit for forgeries.
    /// </summary>
    public ReadOnlySpan<byte> E => new WireReader(Fields).MpInt("e");

    /// <summary>The modulus, big-endian, without a leading zero.</summary>
    public ReadOnlySpan<byte> N
    {
        get
        {
            var reader = new WireReader(Fields);
            reader.MpInt("e");
            return reader.MpInt("n");
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> SignatureAlgorithms => ["rsa-sha2-512", "rsa-sha2-256"];

    internal override int MaxSignatureLength => N.Length;

    internal static RsaPublicKey Read(ref WireReader reader, int minBits)
    {
        var e = reader.MpInt("e");
        if (e is not [1, 0, 1])
            throw new SshFormatException("the exponent of the rsa key is not 65537");
        var n = reader.MpInt("n");
        if (BitLength(n) is var bits && (bits < minBits || bits > MaxBits))
            throw new SshFormatException($"the rsa key has {bits} bits, not {minBits} to {MaxBits}");
        return RsaModulus.Fault(n) is { } fault ? throw new SshFormatException(fault) : new RsaPublicKey(e, n);
    }

    private static int BitLength(ReadOnlySpan<byte> magnitude) =>
        magnitude.IsEmpty ? 0 : (8 * magnitude.Length) - (BitOperations.LeadingZeroCount(magnitude[0]) - 24);
}

/// <summary>The application that a security key (PROTOCOL.u2f) was enrolled for, the last field of its public key.</summary>
internal static class SecurityKeyApplication
{
    // ssh-keygen enrolls for "ssh:" and names that begin with it. Any other name is the origin of a web page, and pages could ask the key
    // for signatures.
    private const string Prefix = "ssh:";
    private const int MaxLength = 256;

    internal static string Read(ref WireReader reader)
    {
        var application = reader.Utf8("application");
        if (!application.StartsWith(Prefix, StringComparison.Ordinal))
            throw new SshFormatException($"the security key was not made for ssh: its application does not begin with {Prefix}");
        if (application.Length > MaxLength || application.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new SshFormatException($"the application of the security key is not up to {MaxLength} printable characters");
        return application;
    }
}

/// <summary>An Ed25519 key inside a security key.</summary>
public sealed record SecurityKeyEd25519PublicKey : PublicKey
{
    private SecurityKeyEd25519PublicKey(ReadOnlySpan<byte> pk, string application)
        : base("sk-ssh-ed25519@openssh.com", new WireWriter().String(pk).String(application).ToArray()) => Application = application;

    /// <summary>The application; printable, and begins with <c>ssh:</c>.</summary>
    public string Application { get; }

    internal static SecurityKeyEd25519PublicKey Read(ref WireReader reader) =>
        new(Ed25519PublicKey.ReadPk(ref reader), SecurityKeyApplication.Read(ref reader));
}

/// <summary>An ECDSA key on P-256 inside a security key.</summary>
public sealed record SecurityKeyEcdsaPublicKey : PublicKey
{
    private SecurityKeyEcdsaPublicKey(ReadOnlySpan<byte> q, string application)
        : base(
            "sk-ecdsa-sha2-nistp256@openssh.com",
            new WireWriter().String(EcdsaCurve.NistP256.Name).String(q).String(application).ToArray()) =>
        Application = application;

    /// <summary>The application; printable, and begins with <c>ssh:</c>.</summary>
    public string Application { get; }

    internal static SecurityKeyEcdsaPublicKey Read(ref WireReader reader) =>
        new(EcdsaPublicKey.ReadPoint(EcdsaCurve.NistP256, ref reader), SecurityKeyApplication.Read(ref reader));
}
