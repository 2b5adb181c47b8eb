using CertAuthority.Access.Rotations;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Finds out which keys are in force: by the files, and by the rotations that are under way.</summary>
internal static class RotatingKeys
{
    /// <summary>Returns the keys with which a run begins; records do not name them yet.</summary>
    /// <param name="snapshot">The database before the first change.</param>
    /// <param name="files">The files of each purpose.</param>
    /// <param name="takesNewCa">Whether the keys in the files may replace every other one, whatever was under way.</param>
    /// <exception cref="CaKeyException">The file of a key that a rotation needs is missing.</exception>
    public static KeyRing AtStart(Snapshot snapshot, IReadOnlyDictionary<CaPurpose, KeyFiles> files, bool takesNewCa)
    {
        return new KeyRing(Of(CaPurpose.User), Of(CaPurpose.Host), Of(CaPurpose.Sync));

        CaKeys Of(CaPurpose purpose)
        {
            var rotation = takesNewCa ? null : snapshot.Rotation(purpose);
            return Under(snapshot, purpose, files[purpose], rotation)
                ?? throw new CaKeyException(
                    $"a rotation of the {purpose.Title()} key is under way, and no file has the key {Name(snapshot, purpose, Signer(rotation!))}; restore {purpose.FileName()}_next from the backup of the keys, or begin with the keys that are there: certauthority --new-ca");
        }
    }

    /// <summary>Returns the keys of a purpose under a rotation.</summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="purpose">What the keys sign.</param>
    /// <param name="files">Their files.</param>
    /// <param name="rotation">The rotation; null if none is under way.</param>
    /// <returns>Null if no file has the key that signs.</returns>
    public static CaKeys? Under(Snapshot snapshot, CaPurpose purpose, KeyFiles files, Rotation? rotation)
    {
        if (rotation is null)
            return files.Ring(files.Current.PublicKey, []);
        var known = snapshot.CaKeys(purpose);
        return files.Ring(
            Key(Signer(rotation)),
            rotation.Step switch
            {
                RotationStep.Prepared => [Key(rotation.NextId)],
                RotationStep.Switched => [Key(rotation.OldId)],
                _ => [],
            });

        SignatureKey Key(long id) => SignatureKey.Parse(known.Find(one => one.Id == id)!.Key.ToBlob());
    }

    /// <summary>Records every trusted key, so that a certificate of any of them can be revoked.</summary>
    public static KeyRing Recorded(Transaction transaction, KeyRing keys, DateTimeOffset now) => new(
        Recorded(transaction, keys.User, now), Recorded(transaction, keys.Host, now), Recorded(transaction, keys.Sync, now));

    /// <summary>Returns the keys as the records name them.</summary>
    /// <exception cref="CaKeyException">The daemon that leads does not know one of them.</exception>
    public static KeyRing Known(Snapshot snapshot, KeyRing keys) => new(
        Known(snapshot, keys.User), Known(snapshot, keys.Host), Known(snapshot, keys.Sync));

    private static CaKeys Known(Snapshot snapshot, CaKeys keys)
    {
        var known = snapshot.CaKeys(keys.Purpose);
        return keys with
        {
            Ids =
            [
                .. keys.Trusted.Select(key => known.Find(one => one.Key == key)?.Id ?? throw new CaKeyException(
                    $"the daemon that leads does not know the {keys.Purpose.Title()} key {Fingerprint.Compute(key)}; copy its data directory")),
            ],
        };
    }

    /// <summary>Records the keys of one purpose.</summary>
    public static CaKeys Recorded(Transaction transaction, CaKeys keys, DateTimeOffset now) =>
        keys with { Ids = [.. keys.Trusted.Select(key => transaction.CaKey(keys.Purpose, key, now).Id)] };

    /// <summary>
    /// Records keys of files that no rotation uses: if the database is older than the rotation that made them, they may have signed what it
    /// does not know, and what it lost is revoked under every recorded key.
    /// </summary>
    public static void RecordUnused(Transaction transaction, IReadOnlyDictionary<CaPurpose, KeyFiles> files, DateTimeOffset now)
    {
        foreach (var (purpose, one) in files)
            if (one.Next is { } next)
                transaction.CaKey(purpose, next.PublicKey, now);
    }

    /// <summary>Returns the fingerprint of a recorded key.</summary>
    public static string Name(Snapshot snapshot, CaPurpose purpose, long id) =>
        Fingerprint.Compute(snapshot.CaKeys(purpose).Find(one => one.Id == id)!.Key);

    private static long Signer(Rotation rotation) => rotation.Step == RotationStep.Prepared ? rotation.OldId : rotation.NextId;
}
