namespace CertAuthority.Access.Values;

/// <summary>How long to wait before something that failed is tried again.</summary>
public static class Backoff
{
    /// <summary>1 s, 2 s, 4 s, … up to the longest.</summary>
    /// <param name="failures">How many in a row; at least 1.</param>
    /// <param name="longest">At least 1 s.</param>
    public static TimeSpan After(int failures, TimeSpan longest)
    {
        // 2^30 seconds are 34 years.
        var pause = TimeSpan.FromSeconds(1 << Math.Min(failures - 1, 30));
        return pause < longest ? pause : longest;
    }
}
