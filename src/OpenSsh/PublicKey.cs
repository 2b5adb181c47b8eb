using System.Numerics;

namespace CertAuthority.OpenSsh;

/// <summary>
/// A plain public key (RFC 4253 section 6.6) of a kind and strength worth certifying or trusting. Equal when its bytes are.
/// </summary>
public abstract record PublicKey
{
    private readonly byte[] fields;

    private protected PublicKey(string type, byte[] fields) => (Type, this.fields) = (type, fields);

    /// <summary>The name of its format, such as <c>ssh-ed25519</c>.</summary>
    public string Type { get; }

    /// <summary>The name of a certificate's format for such a key.</summary>
    internal string CertificateFormat => KeyTypes.CertificateFormatOf(Type);

    /// <summary>What follows the type: the same fields, in the same order, in a plain key and in a certificate.</summary>
    internal ReadOnlySpan<byte> Fields => fields;

    /// <summary>Reads a key blob: the type and its fields, and nothing after them.</summary>
    /// <exception cref="SshFormatException">
    /// It is malformed, not in its one form, of an unknown type, a certificate, too weak, or one that anybody can sign for.
    /// </exception>
    public static PublicKey Parse(ReadOnlySpan<byte> blob) => ReadBlob(new WireReader(blob));

    /// <summary>Reads one line <c>type base64 [comment]</c>, as in a <c>.pub</c> file; no options before the key.</summary>
    /// <exception cref="SshFormatException">
    /// It is more or less than one such line, a private key, names another type than the key in it, or holds a key that
    /// <see cref="Parse"/> refuses.
    /// </exception>
    public static PublicKey ParseLine(string line)
    {
        var keyLine = KeyLine.Parse(line);
        var key = Parse(keyLine.Blob);
        keyLine.ExpectType(key.Type);
        return key;
    }

    /// <summary>
    /// Reads the line of a key that another authority signs with. It is judged like every key, but may be as short as sshd accepts: how
    /// strong it is, that authority decides.
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

    /// <summary>The key blob: the type and its fields.</summary>
    public byte[] ToBlob() => new WireWriter().String(Type).Raw(fields).ToArray();

    /// <summary>One line <c>type base64 comment</c>, without a newline.</summary>
    /// <param name="comment">Free text, or empty for none.</param>
    /// <exception cref="ArgumentException">The comment has control characters.</exception>
    public string ToLine(string comment) => KeyLine.Format(Type, ToBlob(), comment);

    /// <summary>Same type, same bytes.</summary>
    public virtual bool Equals(PublicKey? other) => other is not null && Type == other.Type && Fields.SequenceEqual(other.Fields);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(fields);
        return hash.ToHashCode();
    }

    /// <summary>The key as a line without a comment.</summary>
    public sealed override string ToString() => ToLine("");

    /// <summary>Reads a key blob inside other bytes.</summary>
    internal static PublicKey ReadBlob(WireReader blob)
    {
        var key = ReadFields(blob.Name("key type"), ref blob);
        blob.ExpectEnd("public key");
        return key;
    }

    /// <summary>Reads what follows the type, in a plain key or in a certificate.</summary>
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
/// A key that can stand as the signature key of a certificate: a CA's. A security key cannot, for it signs only when somebody touches it.
/// </summary>
public abstract record SignatureKey : PublicKey
{
    private protected SignatureKey(string type, byte[] fields)
        : base(type, fields)
    {
    }

    /// <summary>
    /// Names of the signature formats that this key's owner may use, the one to choose first. SHA-1 is never one of them.
    /// </summary>
    public abstract IReadOnlyList<string> SignatureAlgorithms { get; }

    /// <summary>The most bytes that the blob of a signature by this key takes.</summary>
    internal abstract int MaxSignatureLength { get; }

    /// <inheritdoc cref="PublicKey.Parse"/>
    /// <exception cref="SshFormatException">It is a key that <see cref="PublicKey.Parse"/> refuses, or a security key.</exception>
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

    /// <summary>Takes the 32 bytes of RFC 8032 as they are.</summary>
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

    /// <summary>Reads the 32 bytes, as they stand in keys of Ed25519.</summary>
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

    // mpint r, mpint s: each a length, perhaps a zero, and a number below the order of the curve
    internal override int MaxSignatureLength => 2 * (sizeof(uint) + 1 + Curve.FieldLength);

    internal static EcdsaPublicKey Read(EcdsaCurve curve, ref WireReader reader) => new(curve, ReadPoint(curve, ref reader));

    /// <summary>Reads curve and point, as they stand in keys of ECDSA.</summary>
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
    // sshd checks neither a CA's size nor, above 1024 bits, a user's: the CA has to. The upper bound leaves room
    // in a certificate for everything else that it may say.
    internal const int MinBits = 3072;
    private const int MaxBits = 8192;

    /// <summary>The least that sshd takes (<c>RequiredRSASize</c>).</summary>
    internal const int MinBitsOfOthers = 1024;

    private RsaPublicKey(ReadOnlySpan<byte> e, ReadOnlySpan<byte> n)
        : base("ssh-rsa", new WireWriter().MpInt(e).MpInt(n).ToArray())
    {
    }

    /// <summary>
    /// The public exponent, big-endian: 65537, which every generator of keys has chosen for many years. Small ones make forgeries easy that
    /// others make possible.
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

/// <summary>What a security key (PROTOCOL.u2f) was enrolled for, last among the fields of its public key.</summary>
internal static class SecurityKeyApplication
{
    // ssh-keygen enrolls for "ssh:" and what begins with it. Anything else is the origin of a web page, and pages could ask the key for
    // signatures.
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

    /// <summary>Printable, and begins with <c>ssh:</c>.</summary>
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

    /// <summary>Printable, and begins with <c>ssh:</c>.</summary>
    public string Application { get; }

    internal static SecurityKeyEcdsaPublicKey Read(ref WireReader reader) =>
        new(EcdsaPublicKey.ReadPoint(EcdsaCurve.NistP256, ref reader), SecurityKeyApplication.Read(ref reader));
}
