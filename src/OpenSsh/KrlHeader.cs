namespace CertAuthority.OpenSsh;

/// <summary>What a revocation list begins with. To read it takes the same time however long the list is.</summary>
/// <param name="Version">By convention, increases with each list.</param>
/// <param name="GeneratedDate">When the list was generated, in seconds since 1970-01-01 UTC.</param>
/// <param name="Comment">Free text.</param>
public sealed record KrlHeader(ulong Version, ulong GeneratedDate, string Comment)
{
    internal const uint Format = 1;

    internal static ReadOnlySpan<byte> Magic => "SSHKRL\n\0"u8;

    /// <summary>Reads the beginning of a list, whatever follows.</summary>
    /// <exception cref="SshFormatException">It is malformed, or longer than the bytes.</exception>
    public static KrlHeader Parse(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        return Read(ref reader);
    }

    internal static KrlHeader Read(ref WireReader reader)
    {
        if (!reader.Raw(Magic.Length, "magic").SequenceEqual(Magic))
            throw new SshFormatException("a KRL begins with SSHKRL, and these bytes do not");
        if (reader.UInt32("format version") is var format and not Format)
            throw new SshFormatException($"KRL format {format} is not {Format}");
        var (version, generated) = (reader.UInt64("KRL version"), reader.UInt64("generated date"));
        if (reader.UInt64("flags") != 0)
            throw new SshFormatException("flags are set, and none is defined");
        reader.String("reserved");
        return new KrlHeader(version, generated, reader.Utf8("comment"));
    }
}
