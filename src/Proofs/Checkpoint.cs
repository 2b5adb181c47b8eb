using System.Globalization;

namespace CertAuthority.Proofs;

/// <summary>
/// A tree at one size, in the form of C2SP <c>tlog-checkpoint</c>: whoever has it can check everything that was in the tree.
/// </summary>
/// <param name="Origin">The name of the log, without blanks and <c>+</c>.</param>
/// <param name="Size">The number of leaves.</param>
/// <param name="Root">The root.</param>
public sealed record Checkpoint(string Origin, long Size, byte[] Root)
{
    /// <summary>The text that is signed: three lines.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\n");

    /// <summary>
    /// Reads the text of a checkpoint. There are no further lines, and each value is written as <see cref="Text"/> writes it.
    /// </summary>
    /// <returns>Null if it is not one.</returns>
    public static Checkpoint? Parse(string text)
    {
        if (text.Split('\n') is not [{ Length: > 0 } origin, var number, var root, ""]
            || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var size))
            return null;
        Span<byte> hash = stackalloc byte[TreeHash.Length];
        if (!Convert.TryFromBase64String(root, hash, out var length) || length != TreeHash.Length)
            return null;
        var read = new Checkpoint(origin, size, hash.ToArray());
        return read.Text == text ? read : null;
    }

    /// <summary>Returns whether it says the same: a record compares arrays by identity.</summary>
    public bool Equals(Checkpoint? other) => other is not null && Text == other.Text;

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}
