// WHIP and WHEP in their smallest form.
