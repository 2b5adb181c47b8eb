namespace CertAuthority.OpenSsh;

/// <summary>One line of a <c>.pub</c> file: <c>type base64 [comment]</c>.</summary>
internal readonly record struct KeyLine(string Type, byte[] Blob)
{
    /// <summary>Reads exactly one line; its newline may be missing. The comment has no meaning and is not kept.</summary>
    internal static KeyLine Parse(string line)
    {
        if (line.Contains("PRIVATE KEY", StringComparison.Ordinal))
            throw new SshFormatException("this is a private key, and must stay where it is; the public key is in the .pub file beside it");

        line = line.EndsWith('\n') ? line[..^1].TrimEnd('\r') : line;
        if (line.AsSpan().ContainsAny('\n', '\r'))
            throw new SshFormatException("more than one line where one key belongs");

        var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2)
            throw new SshFormatException("a key line is a type, a blank and the key in base64");
        if (Array.FindIndex(words, IsKnownType) > 0)
            throw new SshFormatException("options stand before the key");

        var blob = new byte[words[1].Length];
        if (!Convert.TryFromBase64String(words[1], blob, out var length))
            throw new SshFormatException("the second word of the line is not base64");
        return new KeyLine(words[0], blob[..length]);
    }

    /// <exception cref="ArgumentException">The comment would break the line.</exception>
    internal static string Format(string type, ReadOnlySpan<byte> blob, string comment)
    {
        if (comment.Any(char.IsControl))
            throw new ArgumentException("a comment has no control characters", nameof(comment));
        return $"{type} {Convert.ToBase64String(blob)}{(comment.Length == 0 ? "" : " ")}{comment}";
    }

    internal void ExpectType(string typeInBlob)
    {
        if (Type != typeInBlob)
            throw new SshFormatException($"the line begins with another type than that of the key in it, {typeInBlob}");
    }

    private static bool IsKnownType(string word) =>
        Array.Exists(KeyTypes.All, type => word == type || word == KeyTypes.CertificateFormatOf(type));
}
