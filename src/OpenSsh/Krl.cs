namespace CertAuthority.OpenSsh;

/// <summary>A range of revoked serials.</summary>
/// <param name="CaKey">The key that signed them; the same serials of another CA are not revoked.</param>
/// <param name="First">The first serial; at least 1.</param>
/// <param name="Last">The last serial; at least <paramref name="First"/>.</param>
public sealed record RevokedRange(PublicKey CaKey, ulong First, ulong Last);

/// <summary>
/// A key revocation list (PROTOCOL.krl) that revokes certificates by serial, and CA keys together with everything that they signed.
/// </summary>
/// <remarks>
/// sshd reads the list at every login, checks neither version nor date, and rejects every key if the list is invalid. This class writes and
/// reads only some of the many encodings: lists, ranges and bitmaps of serials, in one section for each CA key, and whole public keys.
/// </remarks>
public sealed class Krl
{
    private const byte CertificatesSection = 1;
    private const byte KeysSection = 2;
    private const byte SerialListSection = 0x20;
    private const byte SerialRangeSection = 0x21;
    private const byte SerialBitmapSection = 0x22;

    // sshd rejects bitmaps of more than 16,384 bits.
    private const int MostBytesOfBitmap = 2048;
    private const ulong MostBits = 16_000;

    // The lists of most sites stay short and without bitmaps: a bitmap is for thousands.
    private const int LeastSaved = 1024;

    private Krl(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        Header = KrlHeader.Read(ref reader);

        var (revoked, keys) = (new List<RevokedRange>(), new List<PublicKey>());
        while (!reader.AtEnd)
        {
            switch (reader.Byte("section type"))
            {
                case CertificatesSection:
                    ReadCertificates(reader.Nested("certificates section"), revoked);
                    break;
                case KeysSection:
                    ReadKeys(reader.Nested("keys section"), keys);
                    break;
                case var type:
                    throw new SshFormatException($"KRL section {type} is not supported");
            }
        }
        (Revoked, RevokedKeys) = (revoked, keys);
    }

    /// <summary>What the list begins with.</summary>
    public KrlHeader Header { get; }

    /// <inheritdoc cref="KrlHeader.Version"/>
    public ulong Version => Header.Version;

    /// <inheritdoc cref="KrlHeader.GeneratedDate"/>
    public ulong GeneratedDate => Header.GeneratedDate;

    /// <inheritdoc cref="KrlHeader.Comment"/>
    public string Comment => Header.Comment;

    /// <summary>All revoked serials, in the order of the bytes.</summary>
    public IReadOnlyList<RevokedRange> Revoked { get; }

    /// <summary>The revoked keys. A revoked CA key also revokes everything that it signed, whatever the serial.</summary>
    public IReadOnlyList<PublicKey> RevokedKeys { get; }

    /// <summary>
    /// Whether the certificate that <paramref name="caKey"/> signed with this serial is revoked. Searches the whole list.
    /// </summary>
    public bool IsRevoked(PublicKey caKey, ulong serial) =>
        RevokedKeys.Contains(caKey) || Revoked.Any(range => range.First <= serial && serial <= range.Last && range.CaKey == caKey);

    /// <summary>Reads a list.</summary>
    /// <exception cref="SshFormatException">
    /// It is malformed, revokes serial 0 or a range whose last serial is below its first, or has a section that this reader does not
    /// support: key IDs, hashes of keys.
    /// </exception>
    public static Krl Parse(ReadOnlySpan<byte> bytes) => new(bytes);

    /// <summary>Writes a list. The same arguments give the same bytes; if nothing is revoked, they are the header alone.</summary>
    /// <param name="revoked">Serials, in any order; they may overlap and repeat.</param>
    /// <param name="version">By convention, increases with each list.</param>
    /// <param name="generatedDate">Seconds since 1970-01-01 UTC.</param>
    /// <param name="comment">Free text; may be empty.</param>
    /// <param name="revokedKeys">CA keys, each revoked together with everything that it signed.</param>
    /// <exception cref="ArgumentException">
    /// A range contains serial 0, which would make sshd reject the whole list, or its last serial is below its first.
    /// </exception>
    public static byte[] Write(
        IEnumerable<RevokedRange> revoked, ulong version, ulong generatedDate, string comment, params IEnumerable<PublicKey> revokedKeys)
    {
        var krl = new WireWriter()
            .Raw(KrlHeader.Magic)       // uint64    KRL_MAGIC
            .UInt32(KrlHeader.Format)   // uint32    KRL_FORMAT_VERSION
            .UInt64(version)            // uint64    krl_version
            .UInt64(generatedDate)      // uint64    generated_date
            .UInt64(0)                  // uint64    flags
            .String([])                 // string    reserved
            .String(comment);           // string    comment

        foreach (var ofKey in revoked.GroupBy(range => range.CaKey))
            krl.Byte(CertificatesSection).String(Certificates(ofKey.Key, Runs(ofKey.OrderBy(range => range.First))));
        var keys = new WireWriter();
        foreach (var key in revokedKeys)
            keys.String(key.ToBlob()); // string    public_key_blob
        if (keys.Length > 0)
            krl.Byte(KeysSection).String(keys);
        return krl.ToArray();
    }

    private static WireWriter Certificates(PublicKey caKey, List<(ulong First, ulong Last)> runs)
    {
        var section = new WireWriter()
            .String(caKey.ToBlob()) // string    ca_key
            .String([]);            // string    reserved

        var (single, dense) = Divided(runs);
        var loners = new WireWriter();
        foreach (var (serial, _) in single.Where(run => run.First == run.Last))
            loners.UInt64(serial);
        if (loners.Length > 0)
            section.Byte(SerialListSection).String(loners);

        foreach (var (first, last) in single.Where(run => run.First < run.Last))
            section.Byte(SerialRangeSection).String(new WireWriter().UInt64(first).UInt64(last));
        foreach (var some in dense)
            section.Byte(SerialBitmapSection).String(new WireWriter().UInt64(some[0].First).MpInt(Bits(some)));
        return section;
    }

    /// <summary>Divides runs into those that are written one by one, and those that are much shorter together, as a bitmap.</summary>
    private static (List<(ulong First, ulong Last)> Single, List<List<(ulong First, ulong Last)>> Dense) Divided(
        List<(ulong First, ulong Last)> runs)
    {
        var (single, dense) = (new List<(ulong First, ulong Last)>(), new List<List<(ulong First, ulong Last)>>());
        for (var i = 0; i < runs.Count;)
        {
            var (end, alone) = (i, 0);
            for (; end < runs.Count && runs[end].Last - runs[i].First < MostBits; end++)
                alone += runs[end].First == runs[end].Last ? 8 : 21;
            if (end > i && alone - (int)((runs[end - 1].Last - runs[i].First) / 8) > LeastSaved)
            {
                dense.Add(runs[i..end]);
                i = end;
            }
            else
                single.Add(runs[i++]);
        }
        return (single, dense);
    }

    /// <summary>Returns a bit for each serial from the first on, the last serial first.</summary>
    private static byte[] Bits(List<(ulong First, ulong Last)> runs)
    {
        var offset = runs[0].First;
        var bytes = new byte[((runs[^1].Last - offset) / 8) + 1];
        foreach (var (first, last) in runs)
            for (var bit = first - offset; bit <= last - offset; bit++)
                bytes[^((int)(bit / 8) + 1)] |= (byte)(1 << (int)(bit % 8));
        return bytes;
    }

    private static List<(ulong First, ulong Last)> Runs(IEnumerable<RevokedRange> ascending)
    {
        var runs = new List<(ulong First, ulong Last)>();
        foreach (var range in ascending)
        {
            if (range.First == 0 || range.First > range.Last)
                throw new ArgumentException($"serials {range.First} to {range.Last} cannot be revoked", nameof(ascending));
            if (runs is [.., var (first, last)] && range.First - 1 <= last)
                runs[^1] = (first, Math.Max(last, range.Last));
            else
                runs.Add((range.First, range.Last));
        }
        return runs;
    }

    private static void ReadKeys(WireReader section, List<PublicKey> keys)
    {
        while (!section.AtEnd)
            keys.Add(PublicKey.ReadBlob(section.Nested("public key")));
    }

    private static void ReadCertificates(WireReader section, List<RevokedRange> revoked)
    {
        var caKey = PublicKey.ReadBlob(section.Nested("CA key"));
        section.String("reserved");
        while (!section.AtEnd)
        {
            var type = section.Byte("certificate section type");
            var data = section.Nested("certificate section");
            switch (type)
            {
                case SerialListSection:
                    while (!data.AtEnd)
                    {
                        var serial = data.UInt64("serial");
                        Revoke(serial, serial);
                    }
                    break;
                case SerialRangeSection:
                    Revoke(data.UInt64("first serial"), data.UInt64("last serial"));
                    data.ExpectEnd("serial range");
                    break;
                case SerialBitmapSection:
                    ReadBitmap(data.UInt64("first serial of a bitmap"), data.MpInt("serial bitmap"));
                    data.ExpectEnd("serial bitmap");
                    break;
                default:
                    throw new SshFormatException($"KRL certificate section 0x{type:x2} is not supported");
            }
        }

        void ReadBitmap(ulong offset, ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length > MostBytesOfBitmap)
                throw new SshFormatException($"a bitmap of {bytes.Length} bytes is longer than {MostBytesOfBitmap}");
            var (bits, first) = (bytes.Length * 8, -1);
            for (var bit = 0; bit <= bits; bit++)
            {
                var isSet = bit < bits && (bytes[^((bit / 8) + 1)] & (1 << (bit % 8))) != 0;
                if (isSet && first < 0)
                    first = bit;
                else if (!isSet && first >= 0)
                {
                    Revoke(At(first), At(bit - 1));
                    first = -1;
                }
            }

            ulong At(int bit) => ulong.MaxValue - offset >= (ulong)bit ? offset + (ulong)bit
                : throw new SshFormatException($"a bitmap from serial {offset} on reaches beyond the last serial");
        }

        void Revoke(ulong first, ulong last)
        {
            if (first == 0 || first > last)
                throw new SshFormatException($"serials {first} to {last} are not a range that a KRL can revoke");
            revoked.Add(new RevokedRange(caKey, first, last));
        }
    }
}
