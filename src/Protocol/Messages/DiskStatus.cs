namespace CertAuthority.Protocol;

/// <summary>The state of the disk with the database.</summary>
/// <param name="Directory">The directory of the database.</param>
/// <param name="Used">How much of the file system is used, in percent, rounded down.</param>
/// <param name="Free">How many bytes are left.</param>
/// <param name="HasRoom">Whether there is room for every change; otherwise only revoking, locking and denying are possible.</param>
public sealed record DiskStatus(string Directory, int Used, long Free, bool HasRoom)
{
    /// <summary>The usage in percent from which somebody should free space.</summary>
    public const int Low = 90;

    /// <summary>Whether somebody should free space.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsLow => Used >= Low || !HasRoom;

    /// <summary>Describes the state in words.</summary>
    public string Describe() => HasRoom
        ? $"the disk with {Directory} is {Used}% full, {Free >> 20} MiB are left"
        : $"the disk with {Directory} is full: only revoking, locking and denying go on until there is room";
}
