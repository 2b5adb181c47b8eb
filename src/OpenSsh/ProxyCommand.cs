namespace CertAuthority.OpenSsh;

/// <summary>
/// Writes the <c>ProxyCommand</c> by which ssh reaches a host through jump hosts. ssh's own <c>ProxyJump</c> takes the keys and host keys
/// of jump hosts from configuration files only.
/// </summary>
public static class ProxyCommand
{
    /// <summary>Returns the value of the option; null if there are no jump hosts.</summary>
    /// <param name="jumps">
    /// For each jump host, the one to connect to first at the beginning, the arguments with which ssh connects to it, <c>-- HOST</c> last.
    /// </param>
    public static string? Through(IEnumerable<IReadOnlyList<string>> jumps)
    {
        string? command = null;
        foreach (var jump in jumps)
        {
            IReadOnlyList<string> words = command is null ? jump : ["-o", $"ProxyCommand={command}", .. jump];
            command = $"ssh -W '[%h]:%p' {string.Join(' ', words.Select(Word))}";
        }
        return command;
    }

    // ssh expands %, and then a shell reads the words. Between single quotes, fish takes a backslash before a quote for an escape.
    private static string Word(string text) =>
        $"'{text.Replace("'", "'\"'\"'", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal)}'";
}
