using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>A whole command line. The daemon names next steps as data; each program has its own command for each of them.</summary>
/// <param name="name">The name of the program.</param>
/// <param name="description">One sentence for the help.</param>
public abstract class ProgramCommand(string name, string description) : Command(name, description)
{
    /// <summary>
    /// Returns a next step in words, with the command for it. Null for a step that only a newer version of the program knows.
    /// </summary>
    /// <param name="step">The step that the daemon suggests.</param>
    /// <param name="parsed">The current command line: its connection options belong in the suggested command too.</param>
    public abstract string? Show(NextStep step, ParseResult parsed);
}
