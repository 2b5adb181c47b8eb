namespace CertAuthority.Access.Values;

/// <summary>Calculates how long to wait before a failed operation is tried again.</summary>
public static class Backoff
{
    /// <summary>Returns 1 s, 2 s, 4 s, … up to the longest.</summary>
    /// <param name="failures">The number of failures in a row; at least 1.</param>
    /// <param name="longest">The longest wait; at least 1 s.</param>
    public static TimeSpan After(int failures, TimeSpan longest)
    {
        // 2^30 seconds are 34 years.
        var pause = TimeSpan.FromSeconds(1 << Math.Min(failures - 1, 30));
        return pause < longest ? pause : longest;
    }
}
